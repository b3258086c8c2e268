"""How fast a model is for whoever asks it: one prompt, one reply, several at a time.

Knows the port and a clock; knows no engine, keeps no session, and asks the safety filter nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from nexxi_cli.core.errors import ContextLengthExceeded
from nexxi_cli.core.ports import ModelBackend, Progress
from nexxi_cli.core.types import Message, Sampling, Usage

MOST_TOKENS = 128
LEAST_TOKENS = 16
DECODING_S = 10.0
"""How long one reply may take: a slow model writes fewer than MOST_TOKENS, but LEAST_TOKENS at least."""
READING_S = 5.0
"""A prompt is not read again once this has gone by."""
READINGS = 3

PASSAGE = (
    "The harbour lay still in the early light, and the boats that had come in at night rocked against the wall."
    " Nobody had seen the stranger arrive. He sat on a bollard with his collar turned up and watched the water, as if"
    " he waited for something that was due. When the baker opened his shutters, the stranger rose and bought a"
    " loaf. He paid with a coin that was much too large, and asked for the way to the lighthouse. The baker pointed"
    " along the mole, counted the change twice, and looked after him until the fog had closed behind his back."
    " That was on a Tuesday in late November."
)
"""Some 130 tokens."""
TOPICS = ("a ship", "a city", "a river", "a king")
STREAMS = len(TOPICS)


@dataclass(frozen=True, slots=True)
class Speeds:
    """What was measured. Tokens are those of the model; a rate is None where a reply was too short to tell one.

    prompt_tokens_per_s: of a prompt of `prompt_tokens`, up to its first token. first_token_s: seconds to it, after a
    question of `question_tokens`. tokens_per_s: of one reply of `reply_tokens`, after its first. together_tokens_per_s:
    of `streams` replies that were asked for at once, with what their prompts took; None if they came one after another.
    """

    model: str
    engine: str | None
    prompt_tokens: int
    prompt_tokens_per_s: float
    question_tokens: int
    first_token_s: float
    reply_tokens: int
    tokens_per_s: float | None
    streams: int
    together_tokens_per_s: float | None


@dataclass(frozen=True, slots=True)
class _Reply:
    """One reply, at three moments of the clock."""

    usage: Usage
    began_s: float
    first_s: float
    ended_s: float

    @property
    def waited_s(self) -> float:
        return self.first_s - self.began_s

    @property
    def tokens_per_s(self) -> float | None:
        tokens = self.usage.completion_tokens
        return (tokens - 1) / max(self.ended_s - self.first_s, 1e-9) if tokens > 1 else None


async def measured(backend: ModelBackend, clock: Callable[[], float], progress: Progress) -> Speeds:
    """Ask the model, greedily; `clock` tells seconds. Raises what the backend does.

    Raises ContextLengthExceeded for a model whose context is too short for the prompt.
    """
    info = await backend.info()
    needed = await backend.count_tokens([_long_prompt(0)]) + MOST_TOKENS
    if needed > info.context_length:
        raise ContextLengthExceeded(
            f"{info.name} has a context of {info.context_length} tokens: to measure it takes {needed}"
        )
    await backend.ready()
    ask = _Asking(backend, clock)
    try:
        progress.step("measuring: warming up", None)
        warm = await ask(_question(TOPICS[0]), LEAST_TOKENS)
        progress.step("measuring: a prompt", None)
        reading = await _best_reading(ask)
        tokens = _affordable(warm.tokens_per_s)
        progress.step(f"measuring: a reply of {tokens} tokens", None)
        alone = await ask(_question(TOPICS[1]), tokens)
        progress.step(f"measuring: {STREAMS} replies together", None)
        together = await _together([ask(_question(topic), max(tokens // 2, LEAST_TOKENS)) for topic in TOPICS])
    finally:
        progress.done()
    return Speeds(
        model=info.name,
        engine=(await backend.info()).engine,
        prompt_tokens=reading.usage.prompt_tokens,
        prompt_tokens_per_s=reading.usage.prompt_tokens / max(reading.waited_s, 1e-9),
        question_tokens=alone.usage.prompt_tokens,
        first_token_s=alone.waited_s,
        reply_tokens=alone.usage.completion_tokens,
        tokens_per_s=alone.tokens_per_s,
        streams=STREAMS,
        together_tokens_per_s=_common_rate(together),
    )


class _Asking:
    """Asks the model, and looks at the clock."""

    def __init__(self, backend: ModelBackend, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._clock = clock

    async def __call__(self, message: Message, tokens: int) -> _Reply:
        began_s, first_s = self._clock(), None
        usage = Usage(0, 0)
        async with aclosing(
            self._backend.generate([message], Sampling(temperature=0, max_new_tokens=tokens))
        ) as deltas:
            async for delta in deltas:
                if first_s is None:
                    first_s = self._clock()
                usage = delta.usage or usage
        ended_s = self._clock()
        return _Reply(usage, began_s, ended_s if first_s is None else first_s, ended_s)


async def _best_reading(ask: _Asking) -> _Reply:
    """The quickest, of prompts that begin differently, so that no cache knows them."""
    replies: list[_Reply] = []
    for number in range(READINGS):
        replies.append(await ask(_long_prompt(number), 1))
        if replies[-1].ended_s - replies[0].began_s > READING_S:
            break
    return min(replies, key=lambda reply: reply.waited_s)


async def _together(asking: Sequence[Coroutine[None, None, _Reply]]) -> Sequence[_Reply]:
    """All at once. The first error ends the others."""
    tasks = [asyncio.ensure_future(one) for one in asking]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _common_rate(replies: Sequence[_Reply]) -> float | None:
    """Tokens a second of them all; None unless each had begun before one had ended."""
    if max(reply.first_s for reply in replies) > min(reply.ended_s for reply in replies):
        return None
    took_s = max(reply.ended_s for reply in replies) - min(reply.began_s for reply in replies)
    return sum(reply.usage.completion_tokens for reply in replies) / max(took_s, 1e-9)


def _affordable(tokens_per_s: float | None) -> int:
    """How many tokens such a model may write."""
    if tokens_per_s is None:
        return MOST_TOKENS
    return min(max(int(tokens_per_s * DECODING_S), LEAST_TOKENS), MOST_TOKENS)


def _long_prompt(number: int) -> Message:
    """Some 300 tokens."""
    return Message("user", f"{number + 1}. Read this. {PASSAGE} {PASSAGE} What happens next?")


def _question(topic: str) -> Message:
    """What is answered at length."""
    return Message("user", f"Write a very long story about {topic}.")
