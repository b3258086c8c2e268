"""`nexxi keys`: what a user and a script see of the keys of the API."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.nexxi import nexxi, refused, said
from tests.e2e.terminal import Terminal

KEY = re.compile(r"nxi_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}\n")

pytestmark = pytest.mark.usefixtures("home")


def listed(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said("keys", "list", "--json", *arguments))
    return found


def test_a_new_key_stands_alone_on_stdout_and_nowhere_else(home: Path) -> None:
    done = nexxi("keys", "create", "ci")
    assert done.returncode == 0
    assert KEY.fullmatch(done.stdout)
    assert done.stderr == f"keep the key ci ({done.stdout[4:12]}) well: it is not shown again\n"
    secret = done.stdout[13:].strip().encode()
    assert not [file for file in home.rglob("*") if file.is_file() and secret in file.read_bytes()]


def test_keys_and_their_secret_are_the_users_alone(home: Path) -> None:
    said("keys", "create", "ci")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (home / "data" / "nexxi").iterdir()}
    assert modes == {"archive.db": 0o600, "key-secret": 0o600}


def test_a_key_is_made_as_it_is_asked_for() -> None:
    options = "--expires 90d --requests-per-minute 5 --tokens-per-minute 9 --scope metrics --scope chat --owner local"
    made = json.loads(said("keys", "create", "ci", *options.split(), "--json"))
    assert KEY.fullmatch(made.pop("key") + "\n")
    assert [made] == listed()
    assert (made["scopes"], made["owner"], made["state"]) == (["chat", "metrics"], "local", "live")
    assert (made["requests_per_minute"], made["tokens_per_minute"]) == (5, 9)


def test_a_list_in_a_pipe_is_lines_of_tab_separated_values() -> None:
    text = said("keys", "create", "ci", "--tokens-per-minute", "9")
    id_, name, scopes, requests, tokens, _, *rest = said("keys", "list").rstrip("\n").split("\t")
    assert (id_, name, scopes, requests, tokens) == (text[4:12], "ci", "chat", "default", "9")
    assert rest == ["never", "live", f"key:{id_}"]


def test_a_list_on_a_terminal_has_headings() -> None:
    said("keys", "create", "ci")
    terminal = Terminal("keys", "list", columns=120)
    assert terminal.exit_code() == 0
    headings, row = (line for line in terminal.lines if line)
    assert headings.split()[:3] == ["ID", "NAME", "SCOPES"]
    assert "live" in row


def test_no_list_shows_a_digest() -> None:
    said("keys", "create", "ci")
    assert "digest" not in listed()[0]


def test_an_empty_list_says_how_to_begin() -> None:
    done = nexxi("keys", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no keys: nexxi keys create NAME makes one\n")
    assert listed() == []


def test_a_revoked_key_is_listed_with_all_only() -> None:
    text = said("keys", "create", "ci")
    done = nexxi("keys", "revoke", "ci", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"revoked ci ({text[4:12]})\n")
    assert listed() == []
    assert [key["state"] for key in listed("--all")] == ["revoked"]


def test_revoking_asks_only_on_a_terminal() -> None:
    said("keys", "create", "ci")
    assert "add --yes" in refused("keys", "revoke", "ci", code=2)
    terminal = Terminal("keys", "revoke", "ci")
    terminal.type("n\n")
    assert terminal.exit_code() == 1
    assert len(listed()) == 1


@pytest.mark.parametrize("command", [("revoke", "--yes"), ("rotate",)], ids=["revoke", "rotate"])
def test_a_key_that_is_not_live_is_exit_1(command: tuple[str, ...]) -> None:
    assert "there is no live key 'nosuch'" in refused("keys", *command, "nosuch", code=1)


def test_a_rotated_key_has_the_name_and_a_new_secret() -> None:
    old = said("keys", "create", "ci", "--scope", "metrics")
    done = nexxi("keys", "rotate", old[4:12])
    assert KEY.fullmatch(done.stdout)
    assert done.stdout != old
    assert done.stderr.splitlines()[1] == "the old one has ended"
    assert [(key["name"], key["scopes"], key["state"]) for key in listed("--all")] == [
        ("ci", ["metrics"], "revoked"),
        ("ci", ["metrics"], "live"),
    ]


def test_with_an_overlap_both_keys_are_live() -> None:
    said("keys", "create", "ci")
    done = nexxi("keys", "rotate", "ci", "--overlap", "1h", "--expires", "30d")
    assert done.stderr.splitlines()[1] == "the old one ends in 1h at the latest"
    assert [bool(key["expires_at"]) for key in listed()] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "said_of_it"),
    [
        (["ci"], "there is a live key 'ci' already"),
        (["a b"], "cannot be a key's name"),
        (["new", "--expires", "soon"], "--expires soon: write a time such as 30d"),
        (["new", "--expires", "0d"], "has to live for some time"),
        (["new", "--scope", "everything"], "--scope everything: there are chat, metrics, admin"),
        (["new", "--owner", "a/b"], "cannot be an owner"),
        (["new", "--requests-per-minute", "0"], "greater than or equal to 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_made_is_exit_2(arguments: list[str], said_of_it: str) -> None:
    said("keys", "create", "ci")
    assert said_of_it in refused("keys", "create", *arguments, code=2)
    assert len(listed("--all")) == 1


def test_a_damaged_secret_makes_no_key(home: Path) -> None:
    said("keys", "create", "ci")
    (home / "data" / "nexxi" / "key-secret").write_text("")
    assert "holds no secret" in refused("keys", "create", "other", code=2)
    assert len(listed()) == 1


def test_a_database_that_is_down_is_exit_6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_DATABASE_URL", "postgresql://ada:hunter2@127.0.0.1:1/nexxi")
    for command in (("create", "ci"), ("list",), ("revoke", "ci", "-y"), ("rotate", "ci")):
        line = refused("keys", *command, code=6)
        assert "PostgreSQL at 127.0.0.1:1/nexxi" in line
        assert "hunter2" not in line


def test_errors_are_json_if_that_is_asked_for() -> None:
    error = json.loads(refused("keys", "rotate", "nosuch", "--json", code=1))["error"]
    assert (error["exit_code"], "nosuch" in error["message"]) == (1, True)
