"""The input line, with keys as a terminal sends them."""

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from nexxi_cli.cli.commands import COMMANDS
from nexxi_cli.cli.editor import block_is_open, new_prompt_session, unwrapped

ENTER, ALT_ENTER, CTRL_J, CTRL_R, CTRL_C = "\r", "\x1b\r", "\n", "\x12", "\x03"


async def words(command: str) -> Sequence[str]:
    return {"load": ["story", "sketch", "other"]}.get(command, ())


async def typed(keys: str, *, history: Path | None = None) -> str:
    """What the input line returns for these keys."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        session = new_prompt_session(history=history, commands=COMMANDS, words=words, toolbar=lambda: "")
        pipe.send_text(keys)
        return await session.prompt_async()


async def completions(text: str) -> list[str]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        session = new_prompt_session(history=None, commands=COMMANDS, words=words, toolbar=lambda: "")
        assert session.completer is not None
        found = session.completer.get_completions_async(Document(text), CompleteEvent())
        return [completion.text async for completion in found]


async def test_enter_sends() -> None:
    assert await typed("hello" + ENTER) == "hello"


@pytest.mark.parametrize("key", [ALT_ENTER, CTRL_J], ids=["alt-enter", "ctrl-j"])
async def test_a_new_line_is_not_sent(key: str) -> None:
    assert await typed(f"one{key}two{ENTER}") == "one\ntwo"


async def test_a_pasted_text_of_several_lines_is_one_message() -> None:
    assert await typed(f"\x1b[200~one\ntwo\nthree\x1b[201~{ENTER}") == "one\ntwo\nthree"


async def test_enter_in_an_open_block_is_a_new_line() -> None:
    assert await typed(f'"""one{ENTER}two{ENTER}"""{ENTER}') == '"""one\ntwo\n"""'


async def test_enter_in_the_search_takes_what_was_found_and_does_not_send(tmp_path: Path) -> None:
    history = tmp_path / "history"
    await typed(f"find me{ENTER}", history=history)
    assert await typed(f"{CTRL_R}find{ENTER}!{ENTER}", history=history) == "!find me"


async def test_ctrl_c_gives_the_line_up() -> None:
    with pytest.raises(KeyboardInterrupt):
        await typed("half a line" + CTRL_C)


@pytest.mark.parametrize("text", ['"""', '"""a', '"""a""', '  """a """ b'])
def test_a_block_that_is_not_ended_is_open(text: str) -> None:
    assert block_is_open(text)


@pytest.mark.parametrize("text", ['"""a"""', '""""""', "a", 'a """', '""', ""])
def test_other_texts_are_no_open_block(text: str) -> None:
    assert not block_is_open(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"""one\ntwo"""', "one\ntwo"),
        ('"""\none\n"""', "one"),
        ("  plain \n", "  plain \n"),
        ('say """this"""', 'say """this"""'),
    ],
)
def test_a_block_loses_its_quotes(text: str, message: str) -> None:
    assert unwrapped(text) == message


async def test_commands_are_completed_at_the_start_only() -> None:
    assert await completions("/re") == ["/regenerate", "/redact"]
    assert await completions("what is /re") == []
    assert await completions("hello\n/re") == []


async def test_the_word_after_a_command_is_completed() -> None:
    assert await completions("/load s") == ["story", "sketch"]
    assert await completions("/export s") == []


async def test_the_history_is_for_its_owner_alone(tmp_path: Path) -> None:
    history = tmp_path / "state" / "history"
    await typed("one" + ENTER, history=history)
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700


async def test_a_history_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    history = tmp_path / "history"
    history.touch(mode=0o644)
    await typed("one" + ENTER, history=history)
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


async def test_without_a_place_for_it_the_history_ends_with_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert await typed("one" + ENTER, history=tmp_path / "file" / "history") == "one"


async def test_a_history_that_can_no_longer_be_written_does_not_stop_the_chat(tmp_path: Path) -> None:
    history = tmp_path / "history"
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        session = new_prompt_session(history=history, commands=COMMANDS, words=words, toolbar=lambda: "")
        history.unlink()
        history.mkdir()
        pipe.send_text("one" + ENTER)
        assert await session.prompt_async() == "one"


def test_an_unsaved_chat_has_no_history_file() -> None:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        session = new_prompt_session(history=None, commands=COMMANDS, words=words, toolbar=lambda: "")
    assert isinstance(session.history, InMemoryHistory)
