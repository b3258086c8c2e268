"""How much of a conversation is sent along: as many of the newest turns as fit, in few counts."""

from collections.abc import Sequence
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import ContextLengthExceeded
from nexxi_cli.core.types import Message
from nexxi_cli.service.history import Window, fit_window
from tests.service.conversing import WordBackend

SYSTEM = Message("system", "be brief")
QUESTION = Message("user", "why so")


def turns_of(sizes: Sequence[int]) -> list[Message]:
    """Turns of so many words each, half asked and half answered."""
    messages = []
    for number, words in enumerate(sizes):
        asked = words // 2
        messages.append(Message("user", f"q{number} " * asked))
        messages.append(Message("assistant", f"a{number} " * (words - asked)))
    return messages


async def fitted(
    sizes: Sequence[int], *, context: int, reply: int | None = 1, backend: WordBackend | None = None
) -> Window:
    history = [SYSTEM, *turns_of(sizes)]
    return await fit_window(backend or WordBackend(), history, QUESTION, context_tokens=context, reply_tokens=reply)


async def test_a_short_conversation_is_sent_whole_and_counted_once() -> None:
    backend = WordBackend()
    window = await fitted([10, 10], context=100, backend=backend)
    assert window == Window((SYSTEM, *turns_of([10, 10]), QUESTION), 24, 0)
    assert len(backend.counted) == 1


async def test_the_oldest_turns_are_left_out_whole() -> None:
    window = await fitted([10, 10, 10], context=30)
    assert window == Window((SYSTEM, *turns_of([10, 10, 10])[2:], QUESTION), 24, 1)


@given(st.lists(st.integers(2, 60), max_size=40), st.integers(10, 500))
async def test_no_turn_is_left_out_that_would_fit(sizes: list[int], context: int) -> None:
    window = await fitted(sizes, context=context)
    kept = len(sizes) - window.dropped_turns
    assert window.prompt_tokens == 4 + sum(sizes[window.dropped_turns :]) <= context - 1
    assert window.messages == (SYSTEM, *turns_of(sizes)[2 * window.dropped_turns :], QUESTION)
    assert kept == len(sizes) or window.prompt_tokens + sizes[window.dropped_turns - 1] > context - 1


@pytest.mark.parametrize("words", [2, 7, 60])
async def test_a_long_conversation_takes_few_counts_of_about_the_budget(words: int) -> None:
    backend = WordBackend()
    window = await fitted([words] * 10_000, context=1000, backend=backend)
    assert window.dropped_turns == 10_000 - 995 // words
    assert len(backend.counted) <= 2 * log2(10_000)
    assert max(map(len, backend.counted)) <= 6 * len(window.messages)


@pytest.mark.parametrize(
    ("reply", "room"),
    [(10, 90), (60, 50), (1000, 50), (None, 75)],
    ids=["as asked", "half at most", "half at most of any", "a quarter unasked"],
)
async def test_the_reply_has_its_place(reply: int | None, room: int) -> None:
    assert (await fitted([room - 4], context=100, reply=reply)).dropped_turns == 0
    assert (await fitted([room - 3], context=100, reply=reply)).dropped_turns == 1


async def test_a_long_message_may_take_the_reply_s_place() -> None:
    window = await fit_window(
        WordBackend(), turns_of([4]), Message("user", "word " * 99), context_tokens=100, reply_tokens=50
    )
    assert (window.prompt_tokens, window.dropped_turns) == (99, 1)


async def test_a_message_that_fills_the_context_is_refused_with_both_lengths() -> None:
    with pytest.raises(ContextLengthExceeded, match=r"100 tokens long, the model's context 100"):
        await fit_window(WordBackend(), [], Message("user", "word " * 100), context_tokens=100, reply_tokens=50)


async def test_an_answer_without_a_question_is_not_sent() -> None:
    history = [SYSTEM, Message("assistant", "hello"), *turns_of([4])]
    window = await fit_window(WordBackend(), history, QUESTION, context_tokens=100, reply_tokens=1)
    assert window.messages == (SYSTEM, *turns_of([4]), QUESTION)
