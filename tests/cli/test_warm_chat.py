"""The REPL over a warm engine: Ctrl-C reaches the model, and what came before the engine died is kept."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from nexxi_cli.cli.repl import take
from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.first import WarmFirst
from nexxi_cli.infrastructure.warm.place import Place
from nexxi_cli.observability.silence import SILENT
from tests.cli.scripted import ScriptedBackend, a_repl, said, stored
from tests.http.scripted import ScriptedBackend as TimedBackend
from tests.infrastructure.warm.running import an_engine

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def place(home: Path) -> Place:
    return Place(xdg_paths(os.environ).runtime)


def a_chat(engine: WarmEngine, own: ScriptedBackend) -> WarmFirst:
    return WarmFirst(engine, name="mine", own=lambda: own, observer=SILENT)


async def test_ctrl_c_stops_the_engine_and_keeps_what_came(place: Place) -> None:
    model = TimedBackend(["word "], endless=True, delay_s=0.01)
    async with an_engine(model, place) as running, a_repl(a_chat(running.engine, ScriptedBackend())) as repl:
        asking = asyncio.create_task(take(repl, "Why?"))
        while model.tokens < 3:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(asking, 5)
        async with asyncio.timeout(5):
            while model.running:  # noqa: ASYNC110 - it looks from outside
                await asyncio.sleep(0.005)
        session = await stored(repl)
        assert session.messages[-1].finish == "interrupted"
        assert session.messages[-1].content.startswith("word word")


async def test_an_engine_that_dies_in_mid_reply_is_an_error_and_the_part_is_kept(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    warm, own = ScriptedBackend(["The cap", asyncio.Event()]), ScriptedBackend(["The capital is Paris."])
    async with an_engine(warm, place) as running, a_repl(a_chat(running.engine, own)) as repl:
        asking = asyncio.create_task(take(repl, "Why?"))
        await asyncio.wait_for(warm.waiting.wait(), 5)
        await running.server.aclose()
        await asyncio.wait_for(asking, 5)
        assert "ended in the middle of the reply" in capsys.readouterr().err
        assert said(await stored(repl)) == ["Why?", "The cap"]
        await take(repl, "And now?")
        assert said(await stored(repl))[2:] == ["And now?", "The capital is Paris."]
