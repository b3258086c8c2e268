"""How the server ends, and how it begins."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from nexxi_cli.core.errors import ModelUnavailable
from tests.http.scripted import ScriptedBackend
from tests.http.serving import serving
from tests.http.test_chat_route import events_of
from tests.http.test_queue import WHY, posting, until
from tests.http.wire import post

STREAM = {"stream": True}


async def test_a_stream_goes_on_to_its_end_and_newcomers_are_sent_away(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.1)
    async with serving(backend) as api:
        streaming = posting(api, body=STREAM)
        await until(lambda: backend.running)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        ready = await api.client.get("/ready")
        assert ready.status_code == 503
        assert ready.json()["status"] == "draining"
        assert (await api.client.get("/health")).status_code == 200
        late = await api.client.post("/v1/chat", json=WHY)
        assert late.status_code == 503
        assert late.json()["error"]["type"] == "overloaded_error"
        assert int(late.headers["retry-after"]) >= 1
        assert events_of((await streaming).text)[-1] == "[DONE]"
        assert await api.task == 0


async def test_who_asks_again_at_once_after_a_stream_that_had_begun_before_is_told_to_come_back(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.05)
    async with serving(backend) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writer.write(post(b"/v1/chat", b'{"message": "Why?", "stream": true}'))
        await reader.readuntil(b"\r\n\r\n")
        os.kill(os.getpid(), signal.SIGTERM)
        await reader.readuntil(b"data: [DONE]")
        await reader.readuntil(b"0\r\n\r\n")
        await asyncio.sleep(0.1)  # in which a connection that closes at once is gone
        writer.write(post(b"/v1/chat", b'{"message": "And?"}'))
        answer = (await reader.read()).decode()
        writer.close()
        assert answer.startswith("HTTP/1.1 503 ")
        assert "retry-after: " in answer
        assert "connection: close" in answer
        assert await api.task == 0


async def test_what_outlasts_the_grace_ends_with_an_error_event_and_is_kept(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.02, endless=True)
    async with serving(backend, grace_s=0.3) as api:
        streaming = posting(api, body=STREAM | {"session_id": "cut", "save": True})
        await until(lambda: backend.running)
        whole = posting(api)
        await asyncio.sleep(0.1)  # in which it gets into the queue
        os.kill(os.getpid(), signal.SIGTERM)
        text = (await streaming).text
        assert "event: error\n" in text
        assert "shut down" in events_of(text)[-1]["error"]["message"]
        answer = await whole
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert await api.task == 0
        session = await api.app.conversations.find("local", "cut")
        assert session.messages[-1].finish == "interrupted"
        assert backend.running == 0


async def test_a_second_signal_ends_at_once(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.02, endless=True)
    async with serving(backend, grace_s=60) as api:
        streaming = posting(api, body=STREAM)
        await until(lambda: backend.running)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
        second = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await api.task == 128 + signal.SIGTERM
        assert time.monotonic() - second < 2
        assert "event: error\n" in (await streaming).text


async def test_an_idle_server_ends_at_once(home: Path) -> None:
    async with serving(ScriptedBackend(), grace_s=60) as api:
        await api.client.get("/health")
        began = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await api.task == 0
        assert time.monotonic() - began < 2


async def test_while_the_model_loads_requests_are_told_to_come_back(home: Path) -> None:
    backend = ScriptedBackend(is_ready=False)
    async with serving(backend) as api:
        ready = await api.client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "loading")
        answer = await api.client.post("/v1/chat", json=WHY)
        assert answer.status_code == 503
        assert answer.json()["error"]["type"] == "overloaded_error"
        assert int(answer.headers["retry-after"]) >= 1
        backend.loaded.set()
        await asyncio.sleep(0)
        assert (await api.client.get("/ready")).status_code == 200
        assert (await api.client.post("/v1/chat", json=WHY)).status_code == 200


async def test_a_model_that_cannot_be_had_ends_the_server(home: Path) -> None:
    backend = ScriptedBackend(failure=ModelUnavailable("the weights are gone"))
    with pytest.raises(ModelUnavailable, match="gone"):
        async with serving(backend) as api:
            await api.task


async def test_errors_of_nobody_are_logged_and_say_nothing(home: Path) -> None:
    backend = ScriptedBackend(error=ZeroDivisionError("a secret of the code"))
    async with serving(backend) as api:
        answer = await api.client.post("/v1/chat", json=WHY)
        assert answer.status_code == 500
        error: dict[str, Any] = answer.json()["error"]
        assert error["type"] == "api_error"
        assert "secret" not in answer.text
        assert (await api.client.post("/v1/chat", json=WHY | STREAM)).text.count("internal error") == 1
