"""How `nexxi serve` ends: signals, closed terminals and power cuts, as a process under load."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.test_chat_route import events_of
from tests.http.workers import Worker, client_of, environment, worker
from tests.redis_process import RedisProcess

STREAM = {"message": "Why?", "save": False, "stream": True}
SLOW = {"SCRIPT_DELAY_S": "0.1", "SCRIPT_TOKENS": "21", "NEXXI_REQUESTS_PER_MINUTE": 10_000}
FOREVER = {"SCRIPT_DELAY_S": "0.02", "SCRIPT_ENDLESS": "1", "NEXXI_MAX_TOKENS": 100_000}


@pytest.fixture(autouse=True)
def _hangups_are_not_ignored() -> Iterator[None]:
    """Under nohup they are, and by every program that is started here."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.05)


async def running(server: Worker, client: httpx.AsyncClient, count: int) -> None:
    """Wait until so many requests are being answered."""

    async def are_there() -> bool:
        return f"nexxi_requests_running {count}.0" in (await client.get("/metrics")).text

    await until(are_there)


async def ended(server: Worker, seconds: float = 30) -> int:
    return await asyncio.to_thread(server.ended, seconds)


async def test_under_load_streams_finish_and_nobody_is_left_without_an_answer(tmp_path: Path) -> None:
    settings = {"NEXXI_MAX_CONCURRENT": 50, "NEXXI_GRACE_S": 20}
    with worker(tmp_path, **SLOW, **settings) as server:
        async with client_of(server) as client, client_of(server, keeps=0) as stranger:
            streams = [asyncio.create_task(client.post("/v1/chat", json=STREAM)) for _ in range(50)]
            await running(server, client, 50)
            assert server.children() == ""
            server.send(signal.SIGTERM)
            newcomers: list[httpx.Response] = []

            async def is_draining() -> bool:
                return (await client.get("/ready")).status_code == 503

            await until(is_draining)

            async def knock() -> None:
                """Ask on a new connection each time, until nobody listens any more.

                A connection that is made in the instant in which the listener closes is reset by the kernel: its
                client reads that as others read the refusal, and the next is refused.
                """
                with suppress(httpx.ConnectError):
                    while True:
                        try:
                            newcomers.append(await stranger.post("/v1/chat", json=STREAM))
                        except (httpx.ReadError, httpx.WriteError):
                            await stranger.post("/v1/chat", json=STREAM)
                            pytest.fail("a connection was reset while the server still listened")

            knocking = [asyncio.create_task(knock()) for _ in range(5)]
            answers = await asyncio.gather(*streams)
            assert await ended(server) == 0
            await asyncio.gather(*knocking)
    for answer in answers:
        assert answer.status_code == 200
        assert events_of(answer.text)[-1] == "[DONE]"
    assert len(newcomers) > 50
    for newcomer in newcomers:
        assert newcomer.status_code == 503
        assert newcomer.json()["error"]["type"] == "overloaded_error"
        assert int(newcomer.headers["retry-after"]) >= 1
        assert newcomer.headers["connection"] == "close"
    served = server.lines("RequestServed")
    assert len([line for line in served if line["status"] == 200 and line["route"] == "/v1/chat"]) == 50
    assert len([line for line in served if line["status"] == 503 and line["route"] != "/ready"]) == len(newcomers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
async def test_other_signals_that_mean_the_end_drain_too(tmp_path: Path, number: signal.Signals) -> None:
    with worker(tmp_path, **SLOW) as server:
        async with client_of(server) as client:
            stream = asyncio.create_task(client.post("/v1/chat", json=STREAM))
            await running(server, client, 1)
            server.send(number)
            if number == signal.SIGHUP:  # a shell sends it once more
                await asyncio.sleep(0.2)
                server.send(number)
            assert events_of((await stream).text)[-1] == "[DONE]"
            assert await ended(server) == 0


async def test_a_second_sigterm_ends_at_once_and_the_stream_says_so(tmp_path: Path) -> None:
    with worker(tmp_path, **FOREVER) as server:
        async with client_of(server) as client:
            stream = asyncio.create_task(client.post("/v1/chat", json=STREAM))
            await running(server, client, 1)
            server.send(signal.SIGTERM)
            await asyncio.sleep(0.3)
            server.send(signal.SIGTERM)
            assert "event: error\n" in (await stream).text
            assert await ended(server, 8) == 128 + signal.SIGTERM


async def test_a_server_whose_model_loads_ends_at_once(tmp_path: Path) -> None:
    with worker(tmp_path, ready=False, SCRIPT_LOADING="1") as server:
        began = time.monotonic()
        server.send(signal.SIGTERM)
        assert await ended(server) == 0
        assert time.monotonic() - began < 5


def test_a_server_whose_terminal_closes_drains(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLED],
        env=environment(tmp_path, **SLOW),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        shown = b""
        while b"; /ready" not in shown:
            shown += os.read(ours, 4096)
        os.close(ours)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


CONTROLLED = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("tests.http.scripted_server", run_name="__main__")
"""
"""The server as the leader of a session whose terminal is standard input, as of an SSH connection."""


async def test_nohup_keeps_a_server_from_ending_with_its_terminal(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with worker(tmp_path) as server:
            signal.signal(signal.SIGHUP, before)
            server.send(signal.SIGHUP)
            async with client_of(server) as client:
                await asyncio.sleep(0.3)
                assert (await client.get("/ready")).status_code == 200
            server.send(signal.SIGTERM)
            assert await ended(server) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("place", ["file", "redis"])
async def test_after_a_kill_in_mid_turn_the_sessions_are_whole(
    tmp_path: Path, redis_server: RedisProcess, place: str
) -> None:
    redis_server.client.flushall()
    settings: dict[str, Any] = {"NEXXI_REDIS_URL": redis_server.url} if place == "redis" else {}
    kept = {"message": "Why?", "session_id": "kept"}
    with worker(tmp_path, **SLOW, **settings) as server:
        async with client_of(server) as client:
            assert (await client.post("/v1/chat", json=kept | {"max_tokens": 2})).status_code == 200
            stream = asyncio.create_task(client.post("/v1/chat", json=kept | {"stream": True}))
            await running(server, client, 1)
            server.send(signal.SIGKILL)
            with pytest.raises(httpx.RemoteProtocolError):
                await stream
            assert await ended(server) == -signal.SIGKILL
    with worker(tmp_path, **settings) as server:
        async with client_of(server) as client:
            session = (await client.get("/v1/sessions/kept")).json()
            assert [message["role"] for message in session["messages"]] == ["user", "assistant"]
            assert (await client.post("/v1/chat", json=kept)).status_code == 200
            assert len((await client.get("/v1/sessions/kept")).json()["messages"]) == 4
        server.send(signal.SIGTERM)
        assert await ended(server) == 0
