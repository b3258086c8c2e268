"""A chat asks the warm engine while there is one, and its own model once that is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress

import pytest

from nexxi_cli.core.errors import ContextLengthExceeded, ModelUnavailable, NotFound
from nexxi_cli.core.events import Event, WarmEngineLost, WarmEngineUsed
from nexxi_cli.core.types import Delta, Message, Sampling
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.first import WarmFirst
from nexxi_cli.infrastructure.warm.place import EngineGone, Place
from nexxi_cli.infrastructure.warm.protocol import Answer, answer_line
from tests.http.scripted import ScriptedBackend
from tests.infrastructure.warm.running import IDENTITY, an_engine, an_engine_that_says

QUESTION = [Message("user", "Why?")]


class Chat:
    """A chat's model, what it was told, and how often it began to load one of its own."""

    def __init__(self, engine: WarmEngine, prepare: Callable[[], Awaitable[None]] | None = None) -> None:
        self.heard: list[Event] = []
        self.loaded = 0
        self.backend = WarmFirst(engine, name="mine", own=self._own, prepare=prepare, observer=self)

    def notify(self, event: Event) -> None:
        self.heard.append(event)

    def _own(self) -> ScriptedBackend:
        self.loaded += 1
        return ScriptedBackend(["own"])

    async def reply(self) -> str:
        self.text = ""
        async with aclosing(self.backend.generate(QUESTION, Sampling())) as deltas:
            async for delta in deltas:
                self.text += delta.text
        return self.text


async def test_a_warm_engine_answers_and_says_so_once(place: Place) -> None:
    async with an_engine(ScriptedBackend(["warm"]), place) as running:
        chat = Chat(running.engine)
        assert (await chat.backend.info()).name == "mine"
        assert await chat.backend.count_tokens(QUESTION) == 1
        assert await chat.reply() == "warm"
        assert running.engine.pid is not None
        assert chat.heard == [WarmEngineUsed("mine", running.engine.pid)]
        assert chat.loaded == 0


async def test_an_engine_that_ends_between_two_questions_is_not_missed(place: Place) -> None:
    async with an_engine(ScriptedBackend(["warm"]), place) as running:
        chat = Chat(running.engine)
        assert await chat.reply() == "warm"
    assert await chat.reply() == "own"
    assert await chat.backend.count_tokens(QUESTION) == 1
    assert isinstance(chat.heard[-1], WarmEngineLost)
    assert chat.loaded == 1


async def test_an_engine_that_dies_before_the_first_token_is_not_missed(place: Place) -> None:
    async with an_engine_that_says(place, [answer_line(Answer())]) as engine:
        chat = Chat(engine)
        assert await chat.reply() == "own"
    assert chat.loaded == 1


async def test_an_engine_that_dies_in_the_middle_of_a_reply_is_an_error_after_what_came(place: Place) -> None:
    async with an_engine_that_says(place, [answer_line(Answer(delta=Delta("The cap")))]) as engine:
        chat = Chat(engine)
        with pytest.raises(ModelUnavailable, match="in the middle of the reply"):
            await chat.reply()
        assert chat.text == "The cap"
    assert chat.loaded == 0
    assert await chat.reply() == "own"


async def test_what_the_model_itself_refuses_is_no_reason_to_load_another(place: Place) -> None:
    async with an_engine(ScriptedBackend(error=ContextLengthExceeded("too long")), place) as running:
        chat = Chat(running.engine)
        with pytest.raises(ContextLengthExceeded):
            await chat.reply()
    assert chat.loaded == 0


async def test_the_first_call_waits_for_the_engine_to_be_started(place: Place) -> None:
    started = asyncio.Event()

    async def prepare() -> None:
        await started.wait()

    async with an_engine(ScriptedBackend(["warm"]), place) as running:
        chat = Chat(running.engine, prepare)
        asking = asyncio.create_task(chat.reply())
        await asyncio.sleep(0.02)
        assert not asking.done()
        started.set()
        assert await asking == "warm"


async def test_an_engine_that_cannot_be_started_is_not_missed(place: Place) -> None:
    async def prepare() -> None:
        raise EngineGone("no room")

    chat = Chat(WarmEngine(place, IDENTITY), prepare)
    assert await chat.reply() == "own"
    assert chat.heard == [WarmEngineLost("mine", "no room")]


async def test_a_model_that_cannot_be_had_is_told_as_that(place: Place) -> None:
    async def prepare() -> None:
        raise NotFound("no such model")

    chat = Chat(WarmEngine(place, IDENTITY), prepare)
    with pytest.raises(NotFound, match="no such model"):
        await chat.backend.info()
    assert chat.loaded == 0


async def test_a_chat_that_ends_early_waits_for_nothing_and_leaves_nothing(place: Place) -> None:
    stopped = False

    async def prepare() -> None:
        nonlocal stopped
        try:
            await asyncio.sleep(1000)
        finally:
            stopped = True

    chat = Chat(WarmEngine(place, IDENTITY), prepare)
    asking = asyncio.create_task(chat.reply())
    await asyncio.sleep(0)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    await chat.backend.aclose()
    assert stopped
