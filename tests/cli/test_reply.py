"""A reply on its way to standard output."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from nexxi_cli.cli.chat import ChatOptions
from nexxi_cli.cli.reply import Reply
from nexxi_cli.core.errors import ModelUnavailable, StoreUnavailable
from nexxi_cli.core.types import ChatEvent, Delta, SessionChoice, Started, Verdict
from tests.cli.examples import EMAIL, SESSION_ID, a_response

Captured = pytest.CaptureFixture[str]
CODE = "Here:\n\n```python\nprint(1)\n```\n\nDone."


def options(**flags: bool) -> ChatOptions:
    return ChatOptions(session=SessionChoice(), **flags)  # type: ignore[arg-type]


async def events(*pieces: str, end: BaseException | None = None) -> AsyncGenerator[ChatEvent, None]:
    yield Started(SESSION_ID, "scripted", Verdict(allowed=True, text="asked"), 0, 3)
    for piece in pieces:
        yield Delta(piece)
    if end is not None:
        raise end
    yield a_response("".join(pieces))


async def test_a_reply_is_printed_as_it_comes(capsys: Captured) -> None:
    reply = Reply(options(), kept=True)
    await reply.show(events("Hel", "lo"))
    assert capsys.readouterr() == ("Hello\n", "")
    assert reply.response is not None


async def test_a_whole_reply_is_printed_once(capsys: Captured) -> None:
    await Reply(options(stream=False), kept=True).show(events("Hel", "lo"))
    assert capsys.readouterr().out == "Hello\n"


async def test_json_is_one_document(capsys: Captured) -> None:
    await Reply(options(stream=False, as_json=True), kept=True).show(events("Hello"))
    assert json.loads(capsys.readouterr().out) == {
        "response": "Hello",
        "model": "scripted",
        "session_id": str(SESSION_ID),
        "saved": True,
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        "timing": {"first_token_s": 0.5, "total_s": 1.5, "queued_s": 0.0},
        "dropped_turns": 0,
        "summarised_turns": 0,
        "redacted": [{"start": 5, "end": 20, "type": "EMAIL", "confidence": 1.0, "rule": "email"}],
    }


async def test_only_the_first_code_block_is_extracted(capsys: Captured) -> None:
    await Reply(options(stream=False, extract=True), kept=True).show(events(CODE))
    assert capsys.readouterr() == ("print(1)\n", "")


async def test_without_a_code_block_the_whole_reply_is_printed_and_noted(capsys: Captured) -> None:
    await Reply(options(stream=False, extract=True), kept=True).show(events("No code."))
    assert capsys.readouterr() == ("No code.\n", "the reply has no code block: this is the whole of it\n")


async def test_usage_goes_to_standard_error(capsys: Captured) -> None:
    await Reply(options(usage=True), kept=True).show(events("Hello"))
    assert capsys.readouterr().err == "10 + 5 tokens, first token 0.50 s, 4.0 tokens/s, stop\n"


async def test_what_was_left_out_and_redacted_is_noted(capsys: Captured) -> None:
    async def noted() -> AsyncGenerator[ChatEvent, None]:
        verdict = Verdict(allowed=True, text="asked", findings=(EMAIL,), notes=("injection: instruction override",))
        yield Started(SESSION_ID, "scripted", verdict, 2, 3)
        yield a_response("")

    await Reply(options(), kept=True).show(noted())
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "redacted in the prompt",
        "noticed in the prompt",
        "the 2 oldest turns did not fit into the model's context and were left out",
    ]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_the_part_before_an_error_is_printed_once(*, stream: bool, capsys: Captured) -> None:
    with pytest.raises(ModelUnavailable):
        await Reply(options(stream=stream), kept=True).show(events("half ", "of it", end=ModelUnavailable("gone")))
    assert capsys.readouterr().out == "half of it\n"


async def test_a_reply_that_could_not_be_stored_is_printed_and_the_error_says_so(capsys: Captured) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await Reply(options(), kept=True).show(events("all of it", end=StoreUnavailable("the disk is full")))
    assert capsys.readouterr().out == "all of it\n"
    assert caught.value.__notes__ == ["this reply is not kept"]


async def test_a_whole_reply_that_could_not_be_stored_is_still_printed_as_json(capsys: Captured) -> None:
    full = StoreUnavailable("the disk is full")
    full.unkept = replace(a_response("all of it"), saved=False, session_id=None)
    with pytest.raises(StoreUnavailable):
        await Reply(options(stream=False, as_json=True), kept=True).show(events("all of it", end=full))
    document = json.loads(capsys.readouterr().out)
    assert (document["response"], document["saved"], document["session_id"]) == ("all of it", False, None)
    assert document["usage"]["total_tokens"] == 15


async def test_the_code_of_a_reply_that_could_not_be_stored_is_still_printed(capsys: Captured) -> None:
    full = StoreUnavailable("the disk is full")
    full.unkept = a_response(CODE)
    with pytest.raises(StoreUnavailable):
        await Reply(options(stream=False, extract=True), kept=True).show(events(CODE, end=full))
    assert capsys.readouterr().out == "print(1)\n"


@pytest.mark.parametrize("flags", [{"as_json": True}, {"extract": True}], ids=str)
async def test_a_failed_reply_is_no_document(flags: dict[str, bool], capsys: Captured) -> None:
    with pytest.raises(ModelUnavailable):
        await Reply(options(stream=False, **flags), kept=True).show(events("half", end=ModelUnavailable("gone")))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("pieces", "kept", "line"),
    [
        (["half"], True, "interrupted; the part that came is kept\n"),
        (["half"], False, "interrupted\n"),
        ([], True, "interrupted\n"),
    ],
)
async def test_an_interruption_is_told_as_it_is(pieces: list[str], *, kept: bool, line: str, capsys: Captured) -> None:
    with pytest.raises(asyncio.CancelledError):
        await Reply(options(), kept=kept).show(events(*pieces, end=asyncio.CancelledError()))
    assert capsys.readouterr().err == line


async def test_a_part_that_was_lost_is_told_even_when_quiet(capsys: Captured) -> None:
    interrupted = asyncio.CancelledError()
    interrupted.add_note("the part could not be kept")
    with pytest.raises(asyncio.CancelledError):
        await Reply(options(quiet=True), kept=True).show(events("half", end=interrupted))
    assert capsys.readouterr().err == "interrupted; the part could not be kept\n"
