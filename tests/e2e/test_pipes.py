"""`nexxi chat --once` in real pipes, with the real model."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.nexxi import said

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("model_home")]

SHORT = "--max-tokens 12 -o temperature=0"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `nexxi` is the program under test."""
    script = f'nexxi() {{ "{sys.executable}" -m nexxi_cli "$@"; }}; {command}'
    return subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def started(*arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """A `nexxi chat --once` that is under way."""
    command = [sys.executable, "-m", "nexxi_cli", "chat", "--once", *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def last_session() -> list[dict[str, str]]:
    """The messages of the session that changed last."""
    (newest,) = json.loads(said("sessions", "list", "--limit", "1", "--json"))
    messages: list[dict[str, str]] = json.loads(said("sessions", "show", newest["session_id"], "--json"))["messages"]
    return messages


def test_piped_text_goes_before_the_argument_and_only_the_answer_to_standard_output() -> None:
    done = shell(f"echo 'The sky is blue.' | nexxi chat --once 'Which colour has it?' -u {SHORT}")
    asked, answered = last_session()[-2:]
    assert (done.returncode, asked["content"]) == (0, "The sky is blue.\n\nWhich colour has it?")
    assert done.stdout == answered["content"] + "\n"
    assert "tokens/s" in done.stderr


def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    done = shell('nexxi chat --once "Count from 1 to 50, a number a line." | head -c 1; exit ${PIPESTATUS[0]}')
    assert (done.returncode, done.stderr, len(done.stdout)) == (0, "", 1)


def test_json_is_one_document_and_continue_takes_its_session_up() -> None:
    first, second = shell(
        f"nexxi chat --once 'I am Ada.' --json -q {SHORT}; echo; nexxi chat -c --once 'Who?' --json -q {SHORT}"
    ).stdout.split("\n\n")
    assert json.loads(first)["usage"]["completion_tokens"] <= 12
    assert json.loads(first)["session_id"] == json.loads(second)["session_id"]


def test_an_open_and_silent_pipe_does_not_hold_up_an_answer_that_is_not_to_be_kept() -> None:
    with started("Say hello.", "-n", *SHORT.split(), stdin=subprocess.PIPE) as running:
        assert running.wait(60) == 0
        assert running.stdout is not None
        assert running.stdout.read().strip()
        assert running.stderr is not None
        assert b"standard input said nothing" in running.stderr.read()
    assert json.loads(said("sessions", "list", "--json")) == []


def test_an_interrupt_in_mid_reply_is_exit_130_and_keeps_the_part() -> None:
    with started("Count from 1 to 100.") as running:
        assert running.stdout is not None
        assert running.stdout.read(1)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
        assert running.stderr is not None
        assert running.stderr.read() == b"interrupted; the part that came is kept\n"
    assert last_session()[-1]["finish_reason"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_in_mid_reply_keeps_the_part(number: signal.Signals) -> None:
    with started("Count from 1 to 100.") as running:
        assert running.stdout is not None
        assert running.stdout.read(1)
        running.send_signal(number)
        assert running.wait(10) == 128 + number
    assert last_session()[-1]["finish_reason"] == "interrupted"


def test_an_interrupt_while_the_model_loads_is_exit_130_at_once() -> None:
    with started("Say hello.", "-o", "compile=false") as running:  # torch takes its time
        time.sleep(0.7)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
        assert running.stdout is not None
        assert running.stdout.read() == b""


def test_a_reply_under_a_schema_is_a_document_for_the_next_program(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    (tmp_path / "schema").write_text(json.dumps(schema))
    answer = said("chat", "--once", "Which colour has the sky?", "--schema", str(tmp_path / "schema"))
    assert json.loads(answer)["colour"] in ("red", "blue")


def test_a_reply_ends_before_a_stop_string() -> None:
    answer = said(
        "chat", "--once", "What is the capital of France?", "--stop", "Rome", "--stop", "Paris", "-o", "seed=1"
    )
    assert "Paris" not in answer
