"""What goes wrong is one line on standard error and an exit code; nothing of it needs a model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nexxi_cli import __version__
from tests.cli.nexxi import nexxi, refused, said

pytestmark = pytest.mark.usefixtures("home")

NEXXI = (sys.executable, "-m", "nexxi_cli")


def shell(command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `nexxi` is the program under test."""
    script = f'nexxi() {{ "{sys.executable}" -m nexxi_cli "$@"; }}; set -o pipefail; {command}'
    return subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


@pytest.mark.parametrize("command", [[], ["chat"], ["sessions"], ["sessions", "list"], ["models"], ["models", "pull"]])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_everywhere(command: list[str], flag: str) -> None:
    assert "Usage: nexxi" in said(*command, flag)


def test_help_tells_the_exit_codes() -> None:
    shown = " ".join(said("--help").split())
    assert "0 done; 1 error; 2 usage; 3 refused" in shown
    assert "130 interrupted" in shown


def test_version_is_one_line() -> None:
    assert said("--version") == f"nexxi {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["chat", "--once"], "there is no prompt: give it as an argument, with -f FILE or on standard input"),
        (["chat", "--once", ""], "there is no prompt: give it as an argument, with -f FILE or on standard input"),
        (
            ["chat", "--once", "hi", "--temperature", "9"],
            "--temperature: input should be less than or equal to 2, not '9'",
        ),
        (
            ["chat", "--once", "hi", "--max-tokens", "0"],
            "--max-tokens: input should be greater than or equal to 1, not '0'",
        ),
        (["chat", "--once", "hi", "-o", "temperature"], "-o temperature: write it as key=value"),
        (
            ["chat", "--once", "hi", "-o", "tempreture=1"],
            "-o tempreture: there is no such setting; did you mean temperature?",
        ),
        (
            ["chat", "--once", "hi", "-o", "max-tokens=0"],
            "-o max_tokens: input should be greater than or equal to 1, not '0'",
        ),
        (["chat", "--once", "hi", "-o", "seed=1", "--seed", "x"], "--seed: "),
        (["chat", "hi", "-c", "--session", "x"], "--continue and --session exclude each other"),
        (["chat", "--once", "hi", "--bogus"], "No such option: --bogus"),
        (["chat", "--once", "hi", "--stop", ""], "--stop: an empty text would end every reply before it begins"),
        (["chat", "--once", "hi", "--schema", "/dev/null"], "--schema: /dev/null is not JSON: Expecting value"),
        (["bogus"], "No such command 'bogus'."),
        (["sessions", "list", "--limit", "0"], "Invalid value for '--limit' / '-l'"),
        (["chat", "--once", "\udcff"], r"the argument '\udcff' is not UTF-8"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(arguments: list[str], line: str) -> None:
    assert refused(*arguments, code=2).startswith(f"nexxi: {line}")


def test_a_bad_number_names_its_flag_and_value() -> None:
    line = refused("chat", "--once", "hi", "--temperature", "warm", code=2)
    assert "--temperature" in line
    assert "'warm'" in line


@pytest.mark.parametrize("name", ["../../x", "a b", "", "/etc/passwd"])
def test_a_session_name_that_is_a_path_is_refused(name: str) -> None:
    assert "is no session" in refused("chat", "--once", "hi", "--session", name, code=2)


def test_an_unknown_model_names_the_nearest() -> None:
    assert "did you mean smollm2-360m?" in refused("chat", "--once", "hi", "-m", "smolm2-360m", code=1)


@pytest.mark.parametrize("option", ["-f", "--schema"])
def test_a_missing_file_is_named(option: str) -> None:
    assert refused("chat", "--once", "hi", option, "/no/file", code=1).startswith("nexxi: /no/file cannot be read")


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["chat", "--once"], "invalid_request_error", 2),
        (["chat", "--bogus"], "invalid_request_error", 2),
        (["sessions", "show", "nosuch"], "not_found_error", 1),
    ],
)
def test_with_json_an_error_is_json(arguments: list[str], kind: str, code: int) -> None:
    error = json.loads(refused(*arguments, "--json", code=code))["error"]
    assert (error["type"], error["exit_code"]) == (kind, code)
    assert error["message"]


def test_json_without_once_is_a_usage_error_on_a_terminal_only() -> None:
    assert "there is no prompt" in refused("chat", "--json", code=2)


def test_debug_shows_the_traceback() -> None:
    done = nexxi("sessions", "show", "nosuch", "--debug")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "Traceback (most recent call last):")


def test_a_pipe_that_is_not_utf_8_is_a_usage_error() -> None:
    done = shell(r"printf '\xff' | nexxi chat --once hi")
    assert done.returncode == 2
    assert done.stderr.startswith(b"nexxi: standard input is not UTF-8: byte 0xff at offset 0")


def test_a_reader_that_has_enough_is_no_error() -> None:
    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because.\n" * 20_000}]
    id_ = said("sessions", "import", "-", text=json.dumps({"messages": messages})).strip()
    done = shell(f"nexxi sessions show {id_} | head -1")
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"user:\n")


def test_a_full_disk_behind_standard_output_is_an_error() -> None:
    done = shell("nexxi --version > /dev/full")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"nexxi: standard output cannot be used: No space left on device\n"


def test_a_closed_standard_output_is_an_error() -> None:
    done = shell("nexxi --version >&-")
    assert done.returncode == 1
    assert done.stderr == b"nexxi: standard output cannot be used: Bad file descriptor\n"


def test_a_closed_standard_input_is_an_empty_one() -> None:
    done = shell("nexxi chat --once <&-")
    assert (done.returncode, done.stderr[:28]) == (2, b"nexxi: there is no prompt: g")


def test_a_closed_standard_error_stops_nothing() -> None:
    done = shell("nexxi --version 2>&-")
    assert (done.returncode, done.stdout) == (0, f"nexxi {__version__}\n".encode())


@pytest.mark.parametrize("command", [["sessions", "list"], ["chat", "--once", "hi"]], ids=" ".join)
def test_a_home_that_cannot_be_written_is_exit_6(
    command: list[str], model_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model_home / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(model_home / "file"))
    line = refused(*command, code=6)
    assert "set XDG_DATA_HOME to a folder that is" in line


def test_a_setting_from_the_environment_is_named_when_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_TEMPERATURE", "hot")
    assert refused("chat", "--once", "hi", code=2).startswith("nexxi: NEXXI_TEMPERATURE: ")


def test_an_error_does_not_wait_for_what_loads_in_the_background() -> None:
    """The imports of torch and transformers take seconds; the processor time of the whole is far less."""
    before = os.times()
    refused("chat", "--once", "hi", "-m", "nosuch", code=1)
    after = os.times()
    assert after.children_user - before.children_user < 3.5
