"""`nexxi serve` lets the chats of its user on this machine use the model that it has loaded."""

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.events import EngineNotShared, EngineShared, Event
from nexxi_cli.core.paths import Paths, xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.core.types import Delta, Message, Sampling
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.place import EngineGone
from nexxi_cli.wiring import engine_identity, engine_place, running_engines
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving

pytestmark = pytest.mark.usefixtures("home")

QUESTION = [Message("user", "Why?")]


def paths() -> Paths:
    return xdg_paths(os.environ)


def a_chat() -> WarmEngine:
    """What a chat of this user finds."""
    return WarmEngine(engine_place(paths()), engine_identity(Settings()), name="mine")


async def deltas(engine: WarmEngine) -> list[Delta]:
    async with aclosing(engine.generate(QUESTION, Sampling())) as stream:
        return [delta async for delta in stream]


async def heard(api: Api, kind: type[Event]) -> Event:
    """The first event of this kind, once it is there."""
    async with asyncio.timeout(5):
        while not api.events.of(kind):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    found: Event = api.events.of(kind)[0]
    return found


async def test_a_chat_finds_it_once_the_model_is_loaded() -> None:
    backend = ScriptedBackend(is_ready=False)
    async with serving(backend) as api:
        await asyncio.sleep(0.1)
        assert not a_chat().is_there
        backend.loaded.set()
        assert await heard(api, EngineShared) == EngineShared("smollm2-135m")
        assert "".join(delta.text for delta in await deltas(a_chat())) == "".join(backend.reply)
        (engine,) = await running_engines(paths())
        assert (engine.host, engine.pid, engine.ends_in_s) == ("serve", os.getpid(), None)
    assert not a_chat().is_there
    assert list(paths().runtime.iterdir()) == []


async def test_a_second_server_says_that_it_is_not_the_one_and_serves() -> None:
    async with serving(ScriptedBackend()) as first:
        await heard(first, EngineShared)
        async with serving(ScriptedBackend()) as second:
            assert "another process" in str(await heard(second, EngineNotShared))
            assert (await second.client.get("/ready")).status_code == 200


async def test_a_drain_closes_it_and_waits_for_the_reply_that_a_chat_is_getting() -> None:
    backend = ScriptedBackend(delay_s=0.05)
    async with serving(backend) as api:
        await heard(api, EngineShared)
        asking = asyncio.create_task(deltas(a_chat()))
        while not backend.tokens:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.01)
        api.ended()
        assert (await asking)[-1].finish == "stop"
        await api.task
    with pytest.raises(EngineGone):
        await deltas(a_chat())


async def test_what_outlasts_the_time_of_grace_is_cut() -> None:
    backend = ScriptedBackend(endless=True, delay_s=0.02)
    async with serving(backend, grace_s=0.2) as api:
        await heard(api, EngineShared)
        asking = asyncio.create_task(deltas(a_chat()))
        while not backend.tokens:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.01)
        api.ended()
        with pytest.raises(NexxiError):
            await asyncio.wait_for(asking, 10)
        await api.task
    assert backend.running == 0


async def test_a_server_whose_folder_for_sockets_cannot_be_used_serves_all_the_same(tmp_path: Path) -> None:
    paths().runtime.parent.mkdir(parents=True)
    paths().runtime.symlink_to(tmp_path)
    async with serving(ScriptedBackend()) as api:
        assert "is no folder" in str(await heard(api, EngineNotShared))
        assert (await api.client.get("/ready")).status_code == 200


async def test_in_front_of_a_model_server_there_is_nothing_to_share() -> None:
    async with serving(ScriptedBackend(), model_server=("http://127.0.0.1:1/v1",)) as api:
        assert (await api.client.get("/ready")).status_code == 200
        await asyncio.sleep(0.1)
        assert api.events.of(EngineShared) == []
    assert not paths().runtime.exists()
