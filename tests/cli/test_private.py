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


async def test_names_leave_as_placeholders_and_come_back_where_they_are_redacted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    backend = ScriptedBackend(["Good day, <PER", "SON_1>! How is <LOCATION_1>?"], ["<PERSON_1>, you said."])
    async with a_repl(backend, PRIVATE, safety_names="redact") as repl:
        await take(repl, "My name is Ada Lovelace and I live in London.")
        await take(repl, "What was my name? Ada Lovelace?")
        assert backend.asked[0][-1].content == "My name is <PERSON_1> and I live in <LOCATION_1>."
        assert backend.asked[1][-1].content == "What was my name? <PERSON_1>?"
        assert not any("Lovelace" in message or "London" in message for message in said(await stored(repl)))
    captured = capsys.readouterr()
    assert captured.out == "Good day, Ada Lovelace! How is London?\nAda Lovelace, you said.\n"
    assert "redacted in the prompt: 1 LOCATION, 1 PERSON" in captured.err


async def test_names_stay_where_they_are_not_asked_for() -> None:
    backend = ScriptedBackend(["Good day!"])
    async with a_repl(backend, PRIVATE, safety_names="off") as repl:
        await take(repl, "My name is Ada Lovelace, write to ada@example.com")
    assert backend.asked[0][-1].content == "My name is Ada Lovelace, write to <EMAIL_1>"
