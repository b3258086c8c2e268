"""How much of a conversation is sent along with a new message. Knows token budgets; knows nothing of stores."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nexxi_cli.core.errors import ContextLengthExceeded
from nexxi_cli.core.ports import ModelBackend
from nexxi_cli.core.types import Message

CHARS_PER_TOKEN = 4
"""English text in today's vocabularies of 30,000 to 200,000 pieces. Only the first guess of a search rests on it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is sent to the model, how many tokens that makes, and how many of the oldest turns it leaves out."""

    messages: tuple[Message, ...]
    prompt_tokens: int
    dropped_turns: int


async def fit_window(
    backend: ModelBackend,
    history: Sequence[Message],
    question: Message,
    *,
    context_tokens: int,
    reply_tokens: int | None,
) -> Window:
    """Leave out as few of the oldest whole turns as it takes for the prompt and the reply to fit into the context.

    The reply's place is `reply_tokens`, but at most half of the context; a reply of no stated length gets a quarter.
    The system message and the question always stay: they may take the reply's place, but not all of it.
    Raises ContextLengthExceeded when they leave no room for a single token of reply.
    """
    budget_tokens = context_tokens - min(reply_tokens or context_tokens // 4, context_tokens // 2)
    system = [message for message in history if message.role == "system"]
    turns = turns_of(history)

    def prompt(kept: int) -> tuple[Message, ...]:
        newest = [message for turn in turns[len(turns) - kept :] for message in turn]
        return (*system, *newest, question)

    kept, prompt_tokens = await most_that_fit(
        lambda kept: backend.count_tokens(prompt(kept), budget=budget_tokens),
        guess=_guess([*system, question], turns, budget_tokens),
        most=len(turns),
        budget_tokens=budget_tokens,
    )
    _check_room(prompt_tokens, context_tokens)
    return Window(prompt(kept), prompt_tokens, len(turns) - kept)


async def whole_window(backend: ModelBackend, messages: Sequence[Message], *, context_tokens: int) -> Window:
    """All of the messages. Raises ContextLengthExceeded when they leave no room for a single token of reply."""
    prompt_tokens = await backend.count_tokens(messages, budget=context_tokens - 1)
    _check_room(prompt_tokens, context_tokens)
    return Window(tuple(messages), prompt_tokens, 0)


async def most_that_fit(
    size_of: Callable[[int], Awaitable[int]], *, guess: int, most: int, budget_tokens: int
) -> tuple[int, int]:
    """The most turns (0 to `most`) whose prompt fits, and its size; no turn if not even that fits.

    Exponential search from the guess, then binary search (Bentley and Yao 1976): the prompts that are tokenized stay
    about as long as the budget, however long the conversation has become.
    """
    fits, exceeds = -1, most + 1
    sizes: dict[int, int] = {}
    kept, step = guess, 1
    while exceeds - fits > 1:
        sizes[kept] = await size_of(kept)
        if sizes[kept] <= budget_tokens:
            fits = kept
        else:
            exceeds = kept
        if exceeds > most:
            kept = min(fits + step, most)
        elif fits < 0:
            kept = max(exceeds - step, 0)
        else:
            kept = (fits + exceeds) // 2
        step *= 2
    kept = max(fits, 0)
    return kept, sizes[kept]


def _check_room(prompt_tokens: int, context_tokens: int) -> None:
    if prompt_tokens >= context_tokens:
        raise ContextLengthExceeded(
            f"the prompt is {prompt_tokens} tokens long, the model's context {context_tokens}:"
            " shorten it, or choose a model with a longer context"
        )


def turns_of(history: Sequence[Message]) -> list[list[Message]]:
    """The messages in groups that each begin with one of the user's."""
    turns: list[list[Message]] = []
    for message in history:
        if message.role == "user":
            turns.append([message])
        elif message.role == "assistant" and turns:
            turns[-1].append(message)
    return turns


def _guess(fixed: Sequence[Message], turns: Sequence[Sequence[Message]], budget_tokens: int) -> int:
    """About how many of the newest turns fit, by their characters."""
    left = budget_tokens * CHARS_PER_TOKEN - sum(len(message.content) for message in fixed)
    kept = 0
    for turn in reversed(turns):
        left -= sum(len(message.content) for message in turn)
        if left < 0:
            break
        kept += 1
    return kept
