"""The REPL as a person meets it: a real terminal, the real program, the real model."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import USER_CACHE
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.model

COUNT = "Count from 1 to 100."  # at temperature 0 the model answers with a numbered list of 1 to 20


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, real_model: Path) -> dict[str, str]:
    """A home that the tests of this module share, so that they can share a REPL."""
    home = tmp_path_factory.mktemp("home")
    folders = {f"XDG_{name.upper()}_HOME": str(home / name) for name in ("config", "data", "state")}
    return {"HOME": str(home), "XDG_CACHE_HOME": USER_CACHE, "EDITOR": _editor(home), "VISUAL": "", **folders}


@pytest.fixture(scope="module")
def repl(environ: dict[str, str]) -> Iterator[Terminal]:
    terminal = Terminal("chat", "-o", "temperature=0", environ=environ).wait_for("Ctrl-D leaves").prompt_is_back()
    yield terminal
    terminal.press("ctrl-c").say("/exit")
    assert terminal.exit_code(patience_s=5) == 0


@pytest.fixture
def at_prompt(repl: Terminal) -> Terminal:
    """The REPL that the tests share, in a new session."""
    repl.press("ctrl-c").prompt_is_back().say("/new").prompt_is_back().say("/set max_tokens 30").prompt_is_back()
    return repl.forget()


def test_a_message_is_answered_and_the_status_bar_tells_what_it_took(at_prompt: Terminal) -> None:
    at_prompt.say("Say hello.").wait_for(r"\d+ of 8,192 tokens · \d+ tokens/s").prompt_is_back()
    question, *answer = (line for line in at_prompt.lines if line)
    assert question == ">>> Say hello."
    assert len(answer) >= 3


def test_ctrl_c_stops_the_reply_and_keeps_what_came(at_prompt: Terminal) -> None:
    at_prompt.say("/set max_tokens 400").prompt_is_back()
    at_prompt.say(COUNT).wait_for(r"\n +3 3")
    at_prompt.press("ctrl-c").wait_for("interrupted; the part that came is kept").prompt_is_back()
    at_prompt.say("/stats").wait_for("1 turn,")
    assert " 20 20" not in at_prompt.lines


def test_undo_takes_the_turn_back(at_prompt: Terminal) -> None:
    at_prompt.say("Say hello.").wait_for("tokens/s").prompt_is_back()
    at_prompt.say("/undo").wait_for("taken back: Say hello.").say("/stats").wait_for("0 turns,")


def test_what_is_typed_during_a_reply_stays_off_it_and_waits_for_the_prompt(at_prompt: Terminal) -> None:
    at_prompt.say("Say hello.").wait_for("…|Hello").type("typed ahead").wait_for(">>> typed ahead")
    assert at_prompt.text.count("typed ahead") == 1
    at_prompt.press("ctrl-c")


def test_ctrl_c_at_an_empty_prompt_says_how_to_leave(at_prompt: Terminal) -> None:
    at_prompt.press("ctrl-c").wait_for("Ctrl-D or /exit leaves")


def test_ctrl_c_in_a_line_gives_the_line_up(at_prompt: Terminal) -> None:
    at_prompt.type("half a line").wait_for("half a line").press("ctrl-c").prompt_is_back()
    assert "leaves" not in at_prompt.text


def test_a_paste_of_several_lines_waits_for_enter(at_prompt: Terminal) -> None:
    at_prompt.paste("one\ntwo\nthree").wait_for(r">>> one\n\.\.\. two\n\.\.\. three").settle()
    assert "…" not in at_prompt.text
    at_prompt.press("ctrl-c")


def test_ctrl_x_ctrl_e_brings_the_editors_text_to_the_line(at_prompt: Terminal) -> None:
    at_prompt.type("a draft").press("ctrl-x", "ctrl-e").wait_for(">>> from the editor")
    at_prompt.press("ctrl-c")


def test_edit_brings_the_editors_text_to_the_line(at_prompt: Terminal) -> None:
    at_prompt.say("/edit").wait_for(">>> from the editor").press("ctrl-c")


def test_ctrl_r_finds_what_was_said_before(at_prompt: Terminal) -> None:
    at_prompt.say("Say hello.").wait_for("tokens/s").prompt_is_back()
    at_prompt.forget().press("ctrl-r").type("hel").wait_for(">>> Say hello.").press("enter", "ctrl-c")


def test_a_model_that_does_not_exist_leaves_the_old_one(at_prompt: Terminal) -> None:
    at_prompt.say("/model nosuch").wait_for("nexxi: there is no model 'nosuch'").prompt_is_back()
    at_prompt.say("/model").wait_for("smollm2-135m, context of 8,192 tokens")


def test_a_terminal_that_changes_its_size_shows_each_line_once(at_prompt: Terminal) -> None:
    at_prompt.say("/set max_tokens 60").prompt_is_back()
    at_prompt.say(COUNT).wait_for(r"\n +3 3").resize(columns=70).settle(0.7).resize(columns=100)
    at_prompt.wait_for("stopped after").prompt_is_back()
    counted = [int(number) for number in re.findall(r"^ *(\d+) \1$", at_prompt.text, re.MULTILINE)]
    assert counted == list(range(1, len(counted) + 1))
    assert len(counted) > 5


def test_what_was_said_is_there_after_leaving(environ: dict[str, str]) -> None:
    first = (
        Terminal("chat", "My name is Ada.", "--max-tokens", "10", environ=environ).wait_for("stopped").prompt_is_back()
    )
    first.press("ctrl-d")
    assert first.exit_code(patience_s=5) == 0
    second = Terminal("chat", "-c", environ=environ).wait_for(r"session \w{8}").prompt_is_back()
    second.say("/stats").wait_for("1 turn,").say("exit")
    assert second.exit_code(patience_s=5) == 0


def test_ctrl_c_while_the_model_loads_gives_the_prompt_back(environ: dict[str, str]) -> None:
    terminal = Terminal("chat", environ=environ).wait_for("Ctrl-D leaves").prompt_is_back()
    terminal.say("Hello?").wait_for("…").press("ctrl-c").wait_for("interrupted").prompt_is_back()
    terminal.press("ctrl-d")
    assert terminal.exit_code(patience_s=5) == 0


def test_a_dumb_terminal_gets_plain_text(environ: dict[str, str]) -> None:
    terminal = Terminal("chat", "Say hello.", "--max-tokens", "10", environ={**environ, "TERM": "dumb"})
    terminal.wait_for("stopped").wait_for(">>>").press("ctrl-d")
    assert terminal.exit_code(patience_s=5) == 0
    assert re.findall(rb"\x1b\[[0-9;]*[A-HJKm]", terminal.output) == []


def _editor(folder: Path) -> str:
    path = folder / "editor"
    path.write_text('#!/bin/sh\necho "from the editor" > "$1"\n')
    path.chmod(0o755)
    return str(path)
