"""Clients that break off, fall silent, read nothing or pipeline, over sockets of their own."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from nexxi_cli.core.events import QueueChanged, RequestServed
from nexxi_cli.http import protocol
from nexxi_cli.http.body import BodyMiddleware
from tests.http.scripted import ScriptedBackend
from tests.http.serving import KEY, Api, serving
from tests.http.test_chat_route import events_of
from tests.http.test_queue import WHY, until

FREED_WITHIN_S = 1.0
NO_LINGER = struct.pack("ii", 1, 0)
"""l_onoff, l_linger of socket(7): close() sends RST."""


def request(path: str = "/v1/chat", **body: object) -> bytes:
    content = json.dumps(WHY | body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


@contextmanager
def connected(api: Api) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", httpx.URL(api.url).port or 0))) as client:
        client.settimeout(0)
        yield client


async def read_to_end(client: socket.socket) -> bytes:
    loop, pieces = asyncio.get_running_loop(), [b"-"]
    while pieces[-1]:
        pieces.append(await loop.sock_recv(client, 65536))
    return b"".join(pieces[1:])


@pytest.fixture
def slow() -> ScriptedBackend:
    return ScriptedBackend(delay_s=0.01, endless=True)


async def freed(api: Api, backend: ScriptedBackend) -> None:
    """The place is free in time, and the model still."""
    await until(lambda: backend.running == 0, seconds=FREED_WITHIN_S)
    await until(lambda: api.events.of(QueueChanged)[-1] == QueueChanged(0, 0), seconds=FREED_WITHIN_S)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole reply"])
@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
async def test_a_client_that_is_gone_frees_its_place(
    home: Path,
    slow: ScriptedBackend,
    how: str,
    stream: bool,  # noqa: FBT001
) -> None:
    async with serving(slow) as api:
        with connected(api) as client:
            await asyncio.get_running_loop().sock_sendall(client, request(stream=stream))
            await until(lambda: slow.tokens > 5)
            if how == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            if how == "half-close":
                client.shutdown(socket.SHUT_WR)
            else:
                client.close()
            await freed(api, slow)
        assert (await api.client.get("/health")).status_code == 200


async def test_a_client_that_pipelines_and_is_gone_frees_its_place(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow) as api:
        with connected(api) as client:
            await asyncio.get_running_loop().sock_sendall(client, request(stream=True) + HEALTH)
            await until(lambda: slow.tokens > 5)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            client.close()
            await freed(api, slow)


async def test_a_client_that_reads_nothing_holds_up_the_model_and_not_the_memory(home: Path) -> None:
    backend = ScriptedBackend(["long " * 2000], endless=True)
    async with serving(backend, request_timeout_s=3) as api:
        with connected(api) as client:
            await asyncio.get_running_loop().sock_sendall(client, request(stream=True, max_tokens=100_000))
            await until(lambda: backend.running)
            tokens = -1
            while tokens != backend.tokens:
                tokens = backend.tokens
                await asyncio.sleep(0.3)
            assert tokens * 10_000 < 20_000_000  # what kernels buffer of a connection (tcp(7)), and our 64 events
            await until(lambda: backend.running == 0, seconds=3)
            other = await api.client.post("/v1/chat", json=WHY | {"max_tokens": 1})
            assert other.status_code == 200
            text = (await asyncio.wait_for(read_to_end_of_stream(client), 5)).decode()
            assert "event: error\n" in text
            assert "longer than 3 s" in text


async def read_to_end_of_stream(client: socket.socket) -> bytes:
    loop, taken = asyncio.get_running_loop(), b""
    while not taken.endswith(b"0\r\n\r\n"):
        piece = await loop.sock_recv(client, 1 << 20)
        assert piece
        taken += piece
    return taken


async def test_a_client_that_reads_nothing_for_long_is_cut_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_S", 0.3)
    backend = ScriptedBackend(["long " * 2000], endless=True)
    async with serving(backend) as api:
        with connected(api) as client:
            await asyncio.get_running_loop().sock_sendall(client, request(stream=True, max_tokens=100_000))
            await until(lambda: backend.running)
            await until(lambda: api.events.of(RequestServed))
            assert api.events.of(RequestServed)[0].error == "client_gone"
            assert backend.running == 0


async def test_a_client_that_reads_slowly_is_not_cut_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_S", 1.0)
    backend = ScriptedBackend(["long " * 2000] * 2000)
    async with serving(backend) as api:
        with connected(api) as client:
            loop, taken = asyncio.get_running_loop(), b""
            await loop.sock_sendall(client, request(stream=True, max_tokens=2000))
            slowly_until = time.monotonic() + 1.5
            while b"[DONE]" not in taken[-100:]:
                piece = await loop.sock_recv(client, 65_536)
                assert piece
                taken = taken[-100:] + piece
                if time.monotonic() < slowly_until:
                    await asyncio.sleep(0.005)


async def test_a_connection_that_is_done_does_not_wait_for_a_reader(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "STALL_S", 0.3)
    async with serving(ScriptedBackend(["long " * 20_000] * 160), grace_s=1) as api:
        with connected(api) as client:
            closing_ = request().replace(b"host: x", b"host: x\r\nconnection: close")
            await asyncio.get_running_loop().sock_sendall(client, closing_)
            await until(lambda: api.events.of(RequestServed), seconds=20)
            api.ended()
            async with asyncio.timeout(4):  # Uvicorn itself would wait for five seconds
                await asyncio.wait([api.task])


async def test_headers_that_come_too_slowly_get_408(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.5)
    async with serving(ScriptedBackend()) as api:
        with connected(api) as client:
            began, loop = time.monotonic(), asyncio.get_running_loop()
            reading = asyncio.create_task(read_to_end(client))
            for byte in HEALTH[:-2]:
                if reading.done():
                    break
                await loop.sock_sendall(client, bytes([byte]))
                await asyncio.sleep(0.05)
            answer = await reading
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"
            assert time.monotonic() - began < 2


async def test_a_connection_that_says_nothing_is_closed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.3)
    async with serving(ScriptedBackend()) as api:
        with connected(api) as client:
            assert await asyncio.wait_for(read_to_end(client), 3) == b""


async def test_a_body_that_comes_too_slowly_gets_408_and_takes_no_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BodyMiddleware.__init__.__kwdefaults__, "read_timeout_s", 0.5)
    async with serving(ScriptedBackend()) as api:
        with connected(api) as client:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, request()[:-20])
            reading = asyncio.create_task(read_to_end(client))
            for _ in range(10):
                await loop.sock_sendall(client, b" ")
                await asyncio.sleep(0.02)
            assert not api.events.of(QueueChanged)
            assert (await api.client.post("/v1/chat", json=WHY)).status_code == 200
            answer = await asyncio.wait_for(reading, 3)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in answer


async def test_a_thousand_connections_that_come_and_go_leave_nothing(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow, max_queue=50, requests_per_minute=10_000) as api:
        loop = asyncio.get_running_loop()
        for number in range(1000):
            with connected(api) as client:
                await loop.sock_sendall(client, request(stream=bool(number % 2))[: 60 + number % 200])
                if number % 3 == 0:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        slow.endless = False
        stream = await api.client.post("/v1/chat", json=WHY | {"stream": True})
        assert events_of(stream.text)[-1] == "[DONE]"
        await freed(api, slow)
