"""What is measured of a model whose pace, in seconds of a clock of the test's, is known."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from nexxi_cli.core.errors import ContextLengthExceeded, ModelUnavailable
from nexxi_cli.core.types import Delta, Message, ModelInfo, Sampling, Usage
from nexxi_cli.service.speed import MOST_TOKENS, Speeds, measured


@dataclass
class PacedModel:
    """Its tokens are words. Each of a prompt takes `reading_s`; each of a reply `writing_s`, for all that it writes at
    a time, of which there is one or, with `together`, any number. A reply ends after `longest` tokens.
    """

    reading_s: float = 0.01
    writing_s: float = 0.02
    together: bool = True
    longest: int = 1000
    context_length: int = 1000
    fails_at: int | None = None
    now_s: float = 0.0
    asked: list[tuple[Message, Sampling]] = field(default_factory=list)
    running: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def clock(self) -> float:
        return self.now_s

    @property
    def is_down(self) -> bool:
        return False

    async def info(self) -> ModelInfo:
        return ModelInfo("paced", self.context_length, engine="a clock of the test's")

    async def ready(self) -> None:
        self.now_s += 100

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        return sum(len(message.content.split()) for message in messages)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        (message,) = messages
        self.asked.append((message, sampling))
        if len(self.asked) == self.fails_at:
            raise ModelUnavailable("out of memory")
        prompt_tokens = await self.count_tokens(messages)
        count = min(sampling.max_new_tokens or 0, self.longest)
        async with AsyncExitStack() as stack:
            if not self.together:
                await stack.enter_async_context(self.turn)
            self.running += 1
            stack.callback(self._end)
            self.now_s += self.reading_s * prompt_tokens
            for number in range(count):
                await asyncio.sleep(0)
                if number:
                    self.now_s += self.writing_s / self.running
                yield Delta("word ")
            yield Delta("", "length", Usage(prompt_tokens, count))

    async def aclose(self) -> None:
        pass

    def _end(self) -> None:
        self.running -= 1


class NoteOfProgress:
    """Whether what was begun is over."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.is_over = True

    def step(self, label: str, total: int | None) -> None:
        self.steps.append(label)
        self.is_over = False

    def advance(self, amount: int) -> None:
        pass

    def done(self) -> None:
        self.is_over = True


async def speeds_of(model: PacedModel) -> Speeds:
    return await measured(model, model.clock, NoteOfProgress())


async def test_a_prompt_counts_up_to_its_first_token_and_loading_does_not_count() -> None:
    speeds = await speeds_of(PacedModel(reading_s=0.002))
    assert speeds.prompt_tokens_per_s == pytest.approx(500)
    assert 200 < speeds.prompt_tokens < 320
    assert (speeds.model, speeds.engine) == ("paced", "a clock of the test's")


async def test_a_reply_counts_after_its_first_token() -> None:
    speeds = await speeds_of(PacedModel(reading_s=0.5, writing_s=0.02))
    assert speeds.tokens_per_s == pytest.approx(50)
    assert speeds.reply_tokens == MOST_TOKENS
    assert speeds.first_token_s == pytest.approx(0.5 * speeds.question_tokens)


async def test_replies_that_are_made_together_count_together() -> None:
    speeds = await speeds_of(PacedModel(reading_s=0, writing_s=0.02))
    assert speeds.streams == 4
    assert speeds.together_tokens_per_s == pytest.approx(4 * 50, rel=0.1)


async def test_replies_that_come_one_after_the_other_are_no_streams() -> None:
    assert (await speeds_of(PacedModel(together=False))).together_tokens_per_s is None


@pytest.mark.parametrize(("writing_s", "tokens"), [(0.5, 20), (5.0, 16), (0.001, MOST_TOKENS)])
async def test_a_slow_model_writes_less(writing_s: float, tokens: int) -> None:
    assert (await speeds_of(PacedModel(writing_s=writing_s))).reply_tokens == tokens


async def test_a_slow_model_reads_its_prompt_once() -> None:
    model = PacedModel(reading_s=1.0)
    await speeds_of(model)
    assert sum(sampling.max_new_tokens == 1 for _, sampling in model.asked) == 1


async def test_no_prompt_is_asked_twice_and_all_are_greedy_and_share_nothing() -> None:
    model = PacedModel()
    await speeds_of(model)
    beginnings = [message.content for message, sampling in model.asked if sampling.max_new_tokens == 1]
    assert len({text[:3] for text in beginnings}) == len(beginnings) == 3
    assert {(sampling.temperature, sampling.prompt_cache_key) for _, sampling in model.asked} == {(0, None)}


async def test_a_model_that_says_one_word_has_no_rate() -> None:
    assert (await speeds_of(PacedModel(longest=1))).tokens_per_s is None


async def test_a_context_that_is_too_short_is_refused_before_the_model_loads() -> None:
    model = PacedModel(context_length=300)
    with pytest.raises(ContextLengthExceeded, match="paced has a context of 300 tokens: to measure it takes"):
        await speeds_of(model)
    assert (model.now_s, model.asked) == (0, [])


@pytest.mark.parametrize("number", [1, 2, 5, 8])
async def test_an_error_comes_as_itself_and_nothing_goes_on(number: int) -> None:
    model, progress = PacedModel(fails_at=number), NoteOfProgress()
    with pytest.raises(ModelUnavailable, match="out of memory"):
        await measured(model, model.clock, progress)
    assert (model.running, progress.is_over) == (0, True)
