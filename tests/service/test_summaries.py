"""The oldest turns become a summary by the model, once; the system message and the newest turns stay."""

from collections.abc import AsyncGenerator, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.events import Event, SummaryEnded, SummaryStarted
from nexxi_cli.core.types import Delta, Message, Sampling, Summary, Usage
from nexxi_cli.service.summaries import HEADING, INSTRUCTION, SummarisedWindow, fit_summarised
from tests.service.conversing import WordBackend

SYSTEM = Message("system", "be brief")
QUESTION = Message("user", "why so")


class SummarisingBackend(WordBackend):
    """Tells how many turns it was shown, and what it had been told before."""

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        self.asked.append(messages)
        shown = messages[-1].content
        told = shown.count("User: ")
        before = int(shown.split("told of ")[1].split()[0]) if "told of " in shown else 0
        yield Delta(f"told of {before + told}", "stop", Usage(1, 3))


class Listener:
    """An Observer that hands on what it hears."""

    def __init__(self, hear: Callable[[Event], None]) -> None:
        self._hear = hear

    def notify(self, event: Event) -> None:
        self._hear(event)


def turns(count: int, words: int = 10) -> list[Message]:
    messages = []
    for number in range(count):
        messages += [Message("user", f"q{number} " * (words // 2)), Message("assistant", f"a{number} " * (words // 2))]
    return messages


async def fitted(
    backend: WordBackend,
    count: int,
    *,
    summary: Summary | None = None,
    words: int = 10,
    context: int = 100,
    hear: Callable[[Event], None] = lambda _: None,
) -> SummarisedWindow:
    return await fit_summarised(
        backend,
        [SYSTEM, *turns(count, words)],
        summary,
        QUESTION,
        context_tokens=context,
        reply_tokens=10,
        observer=Listener(hear),
        request_id="id",
    )


async def test_what_fits_is_sent_as_it_is() -> None:
    backend = SummarisingBackend(context_length=100)
    found = await fitted(backend, 5)
    assert (found.summary, backend.asked) == (None, [])
    assert found.window.messages == (SYSTEM, *turns(5), QUESTION)


async def test_what_does_not_fit_is_told_below_the_system_message() -> None:
    backend = SummarisingBackend(context_length=100)
    found = await fitted(backend, 12)
    assert found.summary is not None
    assert found.summary.text == f"told of {found.summary.turns}"
    first, *rest = found.window.messages
    assert first == Message("system", f"be brief\n\n{HEADING}\ntold of {found.summary.turns}")
    assert rest == [*turns(12)[2 * found.summary.turns :], QUESTION]
    assert backend.asked[0][0].content == INSTRUCTION


async def test_a_summary_is_not_asked_for_again_while_the_rest_fits() -> None:
    backend = SummarisingBackend(context_length=100)
    first = await fitted(backend, 12)
    asked = len(backend.asked)
    again = await fitted(backend, 14, summary=first.summary)
    assert (again.summary, len(backend.asked)) == (first.summary, asked)


async def test_a_summary_grows_by_what_is_new() -> None:
    backend = SummarisingBackend(context_length=100)
    first = await fitted(backend, 12)
    backend.asked.clear()
    second = await fitted(backend, 24, summary=first.summary)
    assert first.summary is not None
    assert second.summary is not None
    assert second.summary.turns > first.summary.turns
    assert second.summary.text == f"told of {second.summary.turns}"
    assert "q0 " not in str(backend.asked)


async def test_a_turn_longer_than_the_context_is_told_by_its_beginning() -> None:
    backend = SummarisingBackend(context_length=100)
    found = await fitted(backend, 3, words=600)
    assert found.summary is not None
    assert found.window.prompt_tokens < 100


async def test_a_model_that_says_nothing_keeps_what_was_told_before() -> None:
    found = await fitted(WordBackend(context_length=100), 12, summary=Summary(1, "of old"))
    assert found.summary is not None
    assert (found.summary.turns > 1, found.summary.text) == (True, "of old")


async def test_whoever_listens_hears_when_the_model_sums_up_and_when_it_is_done() -> None:
    backend, heard = SummarisingBackend(context_length=100), list[Event]()
    found = await fitted(backend, 12, hear=heard.append)
    assert found.summary is not None
    assert heard == [SummaryStarted("id", found.summary.turns), SummaryEnded("id")]


async def test_nothing_is_heard_while_all_fits() -> None:
    heard: list[Event] = []
    await fitted(SummarisingBackend(context_length=100), 5, hear=heard.append)
    assert heard == []


async def test_a_model_that_fails_while_it_sums_up_is_done_too() -> None:
    heard: list[Event] = []
    with pytest.raises(ModelUnavailable):
        await fitted(WordBackend(context_length=100, error=ModelUnavailable("gone")), 12, hear=heard.append)
    assert [type(event) for event in heard] == [SummaryStarted, SummaryEnded]


@given(st.integers(0, 60), st.integers(2, 40), st.integers(60, 300))
async def test_every_turn_is_sent_or_told(count: int, words: int, context: int) -> None:
    found = await fitted(SummarisingBackend(context_length=context), count, words=words, context=context)
    told = found.summary.turns if found.summary else 0
    sent = [message for message in found.window.messages if message.role == "assistant"]
    assert told + len(sent) == count
    assert found.window.dropped_turns == 0
    assert found.window.prompt_tokens < context
