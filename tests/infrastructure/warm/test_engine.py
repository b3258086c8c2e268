"""A model behind a socket is a ModelBackend as any other, and stops when nobody listens any more."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from nexxi_cli.core.errors import ContextLengthExceeded, ModelUnavailable, NexxiError, UsageError
from nexxi_cli.core.types import Delta, Message, ModelInfo, Sampling, Usage
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.engines import running_engines, stop_engines
from nexxi_cli.infrastructure.warm.lease import Lease
from nexxi_cli.infrastructure.warm.place import EngineGone, Place
from tests.http.scripted import ScriptedBackend
from tests.infrastructure.warm.running import IDENTITY, an_engine, an_engine_that_says

QUESTION = [Message("system", "Be brief."), Message("user", "What is the capital of France?")]


async def deltas(engine: WarmEngine, sampling: Sampling = Sampling()) -> list[Delta]:  # noqa: B008 - frozen
    async with aclosing(engine.generate(QUESTION, sampling)) as stream:
        return [delta async for delta in stream]


async def idle(backend: ScriptedBackend) -> None:
    async with asyncio.timeout(5):
        while backend.running:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.005)


async def test_it_tells_what_the_model_tells(place: Place) -> None:
    async with an_engine(ScriptedBackend(), place) as running:
        assert await running.engine.info() == ModelInfo("mine", 4096)  # by the name that the chat has for it
        assert await running.engine.count_tokens(QUESTION) == 8
        await running.engine.ready()
        assert running.engine.is_there


async def test_a_reply_comes_in_its_pieces_and_with_its_figures(place: Place) -> None:
    backend = ScriptedBackend()
    sampling = Sampling(0.5, 0.9, 10, 3, ("a", "b"), "{}", "local")
    async with an_engine(backend, place) as running:
        answer = await deltas(running.engine, sampling)
    assert [delta.text for delta in answer if delta.text] == list(backend.reply)
    assert (answer[-1].finish, answer[-1].usage) == ("stop", Usage(8, 7))
    assert backend.asked == [(tuple(QUESTION), sampling)]


async def test_long_messages_travel_whole(place: Place) -> None:
    long = [Message("user", "word " * 1_000_000)]
    async with an_engine(ScriptedBackend(), place) as running:
        assert await running.engine.count_tokens(long) == 1_000_000


async def test_errors_come_as_themselves_before_and_in_a_reply(place: Place) -> None:
    for error in (ContextLengthExceeded("too long"), UsageError("no schema"), ModelUnavailable("out of memory")):
        for after in (0, 3):
            async with an_engine(ScriptedBackend(error=error, error_after=after), place) as running:
                with pytest.raises(type(error), match=str(error)) as raised:
                    await deltas(running.engine)
                assert type(raised.value) is type(error)


async def test_who_asks_before_the_model_is_loaded_waits_or_hears_why_it_is_not(place: Place) -> None:
    backend = ScriptedBackend(is_ready=False, failure=ModelUnavailable("broken"))
    async with an_engine(backend, place) as running:
        waiting = asyncio.create_task(running.engine.ready())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        backend.loaded.set()
        with pytest.raises(ModelUnavailable, match="broken"):
            await waiting


async def test_closing_the_iterator_stops_the_model_within_a_token(place: Place) -> None:
    backend = ScriptedBackend(endless=True, delay_s=0.02)
    async with an_engine(backend, place) as running:
        async with aclosing(running.engine.generate(QUESTION, Sampling())) as stream:
            async for _ in stream:
                break
        made = backend.tokens
        await idle(backend)
        assert backend.tokens <= made + 1


async def test_a_cancelled_reply_stops_the_model_and_the_next_is_answered(place: Place) -> None:
    backend = ScriptedBackend(endless=True, delay_s=0.01)
    async with an_engine(backend, place) as running:
        task = asyncio.create_task(deltas(running.engine))
        while not backend.tokens:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await idle(backend)
        assert (await deltas(running.engine, Sampling(max_new_tokens=2)))[-1].finish == "length"


async def test_one_who_reads_slowly_holds_up_nobody_else(place: Place) -> None:
    backend = ScriptedBackend(["x" * 100_000] * 100)
    async with an_engine(backend, place) as running:
        async with aclosing(running.engine.generate(QUESTION, Sampling())) as slow:
            async for _ in slow:
                assert len(await deltas(running.engine)) > 100
                break
        await idle(backend)


async def test_an_engine_that_is_another_one_is_not_used(place: Place) -> None:
    others = (
        replace(IDENTITY, version="0.0.1"),
        replace(IDENTITY, quantise="f32"),
        replace(IDENTITY, model="sha256:other"),
        replace(IDENTITY, threads=1),
    )
    for other in others:
        assert other.digest != IDENTITY.digest
        backend = ScriptedBackend()
        async with an_engine(backend, place, identity=other) as running:
            with pytest.raises(EngineGone, match="is another one"):
                await deltas(running.engine)
        assert backend.asked == []


async def test_no_engine_is_no_answer(place: Place) -> None:
    engine = WarmEngine(place, IDENTITY)
    assert not engine.is_there
    with pytest.raises(EngineGone, match="there is no warm engine"):
        await engine.info()


@pytest.mark.parametrize("lines", [[], [b'{"delta'], [b"nonsense\n"], [b"{}\n"], [b'{"done": true}\n']])
async def test_an_engine_that_says_nothing_of_use_is_gone(place: Place, lines: Sequence[bytes]) -> None:
    async with an_engine_that_says(place, lines) as engine:
        with pytest.raises(EngineGone):
            await engine.count_tokens(QUESTION)


async def test_an_engine_that_does_not_even_say_who_it_is_is_gone_after_three_seconds(place: Place) -> None:
    async with an_engine_that_says(place, [], hangs=True) as engine:
        with pytest.raises(EngineGone):
            await asyncio.wait_for(engine.info(), 10)


@pytest.mark.parametrize("line", [b"", b"\n", b"x\n", b"[1]\n", b'{"task": "info"', b"{" * 100_000])
async def test_nonsense_costs_the_engine_nothing(place: Place, line: bytes) -> None:
    async with an_engine(ScriptedBackend(), place) as running:
        connection = place.connect(IDENTITY.digest)
        assert connection is not None
        with connection:
            connection.settimeout(5)
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            await asyncio.sleep(0.05)
        assert await running.engine.count_tokens(QUESTION) == 8


async def test_what_is_under_way_goes_on_when_it_takes_no_more(place: Place) -> None:
    backend = ScriptedBackend(delay_s=0.02)
    async with an_engine(backend, place) as running:
        task = asyncio.create_task(deltas(running.engine))
        while not backend.tokens:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.005)
        await running.server.close()
        assert not running.engine.is_there
        assert (await task)[-1].finish == "stop"


async def test_it_tells_what_it_is_and_how_long_it_stays(place: Place) -> None:
    async with an_engine(ScriptedBackend(), place, lease=Lease(60)) as running:
        await running.engine.keep(600)
        (status,) = await running_engines(place)
        assert (status.model, status.host, status.quantise) == ("m", "chat", "auto")
        assert status.ends_in_s == pytest.approx(600, abs=5)
    assert await running_engines(place) == []


async def test_asking_what_it_is_does_not_keep_it(place: Place) -> None:
    lease = Lease(60)
    async with an_engine(ScriptedBackend(), place, lease=lease) as running:
        await asyncio.sleep(0.05)
        before = lease.left_s
        await running.engine.status()
        assert lease.left_s <= before
        await running.engine.info()
        assert lease.left_s > before


async def test_stopping_ends_what_chats_have_left_and_not_a_server(place: Place) -> None:
    lease = Lease(60)
    async with an_engine(ScriptedBackend(), place, lease=lease):
        (stopped,) = await stop_engines(place, None)
        assert stopped.model == "m"
        await asyncio.wait_for(lease.over(), 5)
    async with an_engine(ScriptedBackend(), place):
        with pytest.raises(NexxiError, match="no engine stays loaded"):
            await stop_engines(place, None)
        with pytest.raises(UsageError, match="belongs to `nexxi serve`"):
            await stop_engines(place, "m")
