"""`nexxi chat --private` in the REPL; the model is scripted, the session file is real."""

import base64

import pytest

from nexxi_cli.cli.chat import ChatOptions
from nexxi_cli.cli.repl import take
from nexxi_cli.core.types import SessionChoice
from tests.cli.scripted import ScriptedBackend, a_repl, said, stored

pytestmark = pytest.mark.usefixtures("home")

PRIVATE = ChatOptions(session=SessionChoice(), private=True)


async def test_what_is_kept_has_placeholders_and_what_is_shown_has_originals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    backend = ScriptedBackend(["Dear <EMA", "IL_1>"], ["It is <EMAIL_1>."])
    async with a_repl(backend, PRIVATE) as repl:
        await take(repl, "Write to ada@example.com")
        await take(repl, "Who is it?")
        assert said(await stored(repl)) == ["Write to <EMAIL_1>", "Dear <EMAIL_1>", "Who is it?", "It is <EMAIL_1>."]
        assert "private" in repl.toolbar()
    captured = capsys.readouterr()
    assert captured.out == "Dear ada@example.com\nIt is ada@example.com.\n"
    assert "redacted in the prompt: 1 EMAIL" in captured.err


async def test_copy_copies_the_original(capsys: pytest.CaptureFixture[str]) -> None:
    async with a_repl(ScriptedBackend(["Dear <EMAIL_1>"]), PRIVATE) as repl:
        await take(repl, "Write to ada@example.com")
        await take(repl, "/copy")
    assert base64.b64encode(b"Dear ada@example.com").decode() in capsys.readouterr().out


async def test_a_new_session_gives_the_same_value_the_same_placeholder() -> None:
    backend = ScriptedBackend(["one"], ["two"])
    async with a_repl(backend, PRIVATE) as repl:
        await take(repl, "I am ada@example.com")
        await take(repl, "/new")
        await take(repl, "She is bob@example.com, I am ada@example.com")
    assert backend.asked[1][-1].content == "She is <EMAIL_2>, I am <EMAIL_1>"
