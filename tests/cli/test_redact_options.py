"""The options of `nexxi redact`: operators, fields, keys, reports, stats."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.test_redact import redact

pytestmark = pytest.mark.usefixtures("home")

KEY = "a key of the tests"
MAIL = b"mail ada@example.com, bob@example.com, ada@example.com\n"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_REDACT_KEY", KEY)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("replace", b"mail <EMAIL>, <EMAIL>, <EMAIL>\n"),
        ("mask", b"mail ***@*******.com, ***@*******.com, ***@*******.com\n"),
        ("pseudonym", b"mail <EMAIL_1>, <EMAIL_2>, <EMAIL_1>\n"),
        ("mask,EMAIL=replace", b"mail <EMAIL>, <EMAIL>, <EMAIL>\n"),
    ],
)
def test_an_operator_can_be_chosen_for_all_and_for_a_type(operator: str, expected: bytes) -> None:
    assert redact("--operator", operator, text=MAIL).stdout == expected


@pytest.mark.parametrize("operator", ["hash", "fake"])
def test_without_a_key_a_run_makes_its_own(operator: str) -> None:
    once, again = (redact("--operator", operator, text=MAIL).stdout.split() for _ in range(2))
    assert once[1].strip(b",") == once[3]
    assert once[1] != again[1]


@pytest.mark.parametrize("operator", ["hash", "fake", "encrypt"])
def test_with_a_key_it_is_the_same_in_every_run(operator: str, key: None) -> None:
    once, again = (redact("--operator", operator, text=MAIL).stdout for _ in range(2))
    assert once == again
    assert b"ada" not in once


def test_what_was_encrypted_is_decrypted_with_the_key_and_not_with_another(key: None, tmp_path: Path) -> None:
    sealed = redact("--operator", "encrypt", text=MAIL).stdout
    assert redact("--decrypt", text=sealed).stdout == MAIL
    (tmp_path / "other").write_text("another key of the tests")
    done = redact("--decrypt", "--key-file", str(tmp_path / "other"), text=sealed)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    (tmp_path / "sealed").write_bytes(sealed)
    assert redact("-i", "--decrypt", "--key-file", str(tmp_path / "other"), str(tmp_path / "sealed")).returncode == 4
    assert (tmp_path / "sealed").read_bytes() == sealed


def test_an_allow_list_and_a_least_confidence_leave_what_may_stay(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text("bob@example.com\n/10\\..*/\n")
    done = redact("--allow-list", str(tmp_path / "allowed"), text=b"ada@example.com bob@example.com 10.0.0.1 8.8.8.8")
    assert done.stdout == b"<EMAIL> bob@example.com 10.0.0.1 <IP>"
    assert redact("--min-confidence", "0.93", text=b"ada@example.com 8.8.8.8").stdout == b"<EMAIL> 8.8.8.8"


def test_fields_of_json_lines_are_redacted_and_reported() -> None:
    text = b'{"i": 1, "a": {"b": "ada@example.com"}, "c": "bob@x.org"}\n{"a":{"b":"\\u00e9 x"}}\nno ada@example.com\n'
    done = redact("--jsonl", "a.b", text=text)
    assert done.stdout == text.replace(b"ada@example.com", b"<EMAIL>")
    assert b"1 are no lines of JSON" in done.stderr
    report = [
        json.loads(line) for line in redact("--jsonl", "a.b", "--jsonl", "c", "--report", text=text).stdout.splitlines()
    ]
    assert [[found["field"] for found in record["findings"]] for record in report] == [["a.b", "c"], [], [""]]


def test_columns_of_a_table_are_redacted(tmp_path: Path) -> None:
    table = b'name,mail\r\n"A ""x""",ada@example.com\r\nbob@example.com,"y, z"\r\n'
    assert redact("--csv", "mail", text=table).stdout == table.replace(b"ada@example.com", b"<EMAIL>")
    done = redact("--csv", "mial", text=table)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"nexxi: there is no column mial; there are name, mail\n"


def test_stats_count_by_type_and_rule() -> None:
    table = redact("--stats", text=MAIL).stderr.decode().splitlines()
    assert [line.split() for line in table] == [
        ["type", "rule", "count"],
        ["EMAIL", "email.address", "3"],
        ["total", "3"],
    ]
    assert json.loads(redact("--stats", "--json", text=MAIL).stderr) == {
        "total": 3,
        "types": {"EMAIL": {"count": 3, "rules": {"email.address": 3}}},
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--operator", "blur"), "--operator blur: there are replace, mask, hash, pseudonym, encrypt, fake"),
        (("--operator", "MAIL=hash"), "MAIL is not a type; there are"),
        (("--operator", "encrypt"), "--operator encrypt needs a key: set NEXXI_REDACT_KEY or give --key-file FILE"),
        (("--decrypt",), "--decrypt needs a key"),
        (("--in-place",), "--in-place needs files"),
        (("--in-place", "--check", "x"), "--in-place and --check exclude each other"),
        (("--restore", "m", "--map", "m"), "--restore and --map exclude each other"),
        (("--map", "m", "--operator", "hash"), "--map keeps pseudonyms"),
        (("--jobs", "0"), "--jobs 0: at least 1"),
        (("--min-confidence", "2"), "--min-confidence 2.0: from 0 to 1"),
        (("--include", "*.py"), "--include and --exclude need --recursive"),
        (("--follow",), "--follow needs one file"),
        (("--csv", "a", "--delimiter", "ab"), "--delimiter is one character"),
        (("--jsonl", "a..b"), "--jsonl: a field is written as user.email"),
        (("--csv", "0"), "--csv 0: the first column is 1"),
    ],
)
def test_a_mistake_is_a_line_and_exit_2(arguments: tuple[str, ...], words: str) -> None:
    done = redact(*arguments, text=b"x")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"nexxi: {words}")
    assert len(done.stderr.splitlines()) == 1


def test_a_key_in_a_file_goes_before_the_variable(key: None, tmp_path: Path) -> None:
    (tmp_path / "k").write_text(f"{KEY}\n")
    os.environ["NEXXI_REDACT_KEY"] = "this one is another key"
    try:
        done = redact("--operator", "hash", "--key-file", str(tmp_path / "k"), text=MAIL)
    finally:
        os.environ["NEXXI_REDACT_KEY"] = KEY
    assert done.stdout == redact("--operator", "hash", text=MAIL).stdout
