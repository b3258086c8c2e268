"""Redis is killed, frozen, started again, under a server that needs it for sessions and limits."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from nexxi_cli.core.events import RequestServed, StoreDown, StoreUp
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.test_chat_route import events_of
from tests.http.test_queue import until
from tests.redis_process import RedisProcess, running_redis

HELLO = {"message": "What is the capital of France?"}
COMPLETION = {"model": "scripted", "messages": [{"role": "user", "content": "Why?"}]}
GIVEN_UP_S = 2.5
"""A call gives up after one second; the rest is for a busy machine."""


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    with running_redis() as server:
        yield server


@asynccontextmanager
async def on(redis: RedisProcess, backend: ScriptedBackend, **settings: Any) -> AsyncIterator[Api]:
    async with serving(backend, redis_url=SecretStr(redis.url), requests_per_minute=10_000, **settings) as api:
        yield api


async def streaming(api: Api, backend: ScriptedBackend, **body: object) -> "asyncio.Task[httpx.Response]":
    """A stream that has its first tokens."""
    task = asyncio.create_task(api.client.post("/v1/chat", json=HELLO | {"stream": True} | body))
    await until(lambda: backend.tokens >= 2)
    return task


async def ready(api: Api, status: int, *, seconds: float = 8) -> dict[str, Any]:
    """Wait until /ready answers so."""
    async with asyncio.timeout(seconds):
        while (answer := await api.client.get("/ready")).status_code != status:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.05)
    document: dict[str, Any] = answer.json()
    return document


def check_refusal(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "api_error"
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_stream_outlives_redis_and_says_that_it_was_not_kept(home: Path, redis: RedisProcess) -> None:
    backend = ScriptedBackend(delay_s=0.05)
    async with on(redis, backend) as api:
        stream = await streaming(api, backend)
        redis.kill()
        text = (await stream).text
        *deltas, last = [event for event in events_of(text) if event.get("type") != "start"]
        assert "".join(delta["content"] for delta in deltas) == "The capital of France is Paris."
        assert "event: error\n" in text
        assert "not kept" in last["error"]["message"]
        assert backend.running == 0


async def test_a_whole_reply_that_is_not_kept_is_an_error_that_says_so(home: Path, redis: RedisProcess) -> None:
    backend = ScriptedBackend(delay_s=0.05)
    async with on(redis, backend) as api:
        asking = asyncio.create_task(api.client.post("/v1/chat", json=HELLO))
        await until(lambda: backend.tokens >= 2)
        redis.kill()
        answer = await asking
        check_refusal(answer)
        assert "not kept" in answer.json()["error"]["message"]


async def test_a_stream_that_keeps_nothing_does_not_notice(home: Path, redis: RedisProcess) -> None:
    backend = ScriptedBackend(delay_s=0.05)
    async with on(redis, backend, tokens_per_minute=10_000) as api:
        kept_by_client = asyncio.create_task(
            api.client.post("/v1/chat/completions", json=COMPLETION | {"stream": True})
        )
        await until(lambda: backend.tokens >= 2)
        redis.kill()
        assert events_of((await kept_by_client).text)[-1] == "[DONE]"


async def test_a_stream_over_a_short_outage_is_kept(home: Path, redis: RedisProcess) -> None:
    backend = ScriptedBackend(delay_s=0.15)
    async with on(redis, backend) as api:
        stream = await streaming(api, backend, session_id="short")
        redis.kill()
        redis.start()
        assert events_of((await stream).text)[-1] == "[DONE]"
        session = (await api.client.get("/v1/sessions/short")).json()
        assert session["messages"][-1]["content"] == "The capital of France is Paris."


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
async def test_before_a_reply_the_request_is_refused_at_once_and_no_token_is_written(
    home: Path, redis: RedisProcess, path: str
) -> None:
    backend = ScriptedBackend()
    body = HELLO if path == "/v1/chat" else COMPLETION
    async with on(redis, backend) as api:
        redis.kill()
        check_refusal(await api.client.post(path, json=body))
        check_refusal(await api.client.post(path, json=body | {"stream": True}))
        redis.start()
        with redis.frozen():
            began = time.monotonic()
            check_refusal(await api.client.post(path, json=body))
            assert time.monotonic() - began < GIVEN_UP_S
        assert backend.tokens == 0
        assert (await api.client.post(path, json=body)).status_code == 200


async def test_who_asks_is_not_told_where_redis_is(home: Path, redis: RedisProcess) -> None:
    async with on(redis, ScriptedBackend()) as api:
        redis.kill()
        for answer in (await api.client.post("/v1/chat", json=HELLO), await api.client.get("/v1/sessions")):
            assert "redis" not in answer.text.lower()
            assert "session store" in answer.json()["error"]["message"]
        for served in api.events.of(RequestServed):
            assert redis.url in served.reason


async def test_ready_and_the_gauge_follow_an_outage_and_one_line_tells_of_it(home: Path, redis: RedisProcess) -> None:
    async with on(redis, ScriptedBackend()) as api:
        assert "nexxi_session_store_up 1.0" in (await api.client.get("/metrics")).text
        await ready(api, 200)
        redis.kill()
        down = await ready(api, 503)
        assert (down["status"], down["checks"]["sessions"]) == ("down", "down")
        for _ in range(20):
            await api.client.post("/v1/chat", json=HELLO)
        await asyncio.sleep(2.5)
        redis.start()
        await ready(api, 200)
        assert "nexxi_session_store_up 1.0" in (await api.client.get("/metrics")).text
        assert [len(api.events.of(kind)) for kind in (StoreDown, StoreUp)] == [1, 1]
        assert 2 < api.events.of(StoreUp)[0].seconds < 8


async def test_two_hundred_requests_to_a_frozen_redis_are_all_refused_in_time(home: Path, redis: RedisProcess) -> None:
    backend = ScriptedBackend()
    async with on(redis, backend) as api:
        with redis.frozen():
            async with httpx.AsyncClient(
                base_url=api.url, headers=api.client.headers, limits=httpx.Limits(max_connections=None), timeout=20
            ) as client:
                began = time.monotonic()
                answers = await asyncio.gather(*(client.post("/v1/chat", json=HELLO) for _ in range(200)))
            assert time.monotonic() - began < GIVEN_UP_S + 2  # to write and read 200 of them
            for answer in answers:
                check_refusal(answer)
            began = time.monotonic()
            assert (await api.client.get("/health")).status_code == 200
            assert time.monotonic() - began < 1
        assert backend.tokens == 0
        assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 200
        assert len(api.events.of(StoreDown)) <= 1


async def test_a_client_that_leaves_while_redis_is_frozen_frees_its_place(home: Path, redis: RedisProcess) -> None:
    backend = ScriptedBackend(delay_s=0.02, endless=True)
    async with on(redis, backend, tokens_per_minute=10_000) as api:
        stream = await streaming(api, backend)
        with redis.frozen():
            stream.cancel()
            await until(lambda: backend.running == 0, seconds=1)
        await until(lambda: "nexxi_requests_running 0.0" in gauges(api), seconds=GIVEN_UP_S * 2)


def gauges(api: Api) -> str:
    from nexxi_cli.observability.metrics import exposition

    return exposition(api.events.registry)[0].decode()


async def test_a_server_that_starts_without_redis_is_not_ready_until_it_is_there(
    home: Path, redis: RedisProcess
) -> None:
    redis.kill()
    async with on(redis, ScriptedBackend()) as api:
        assert (await ready(api, 503))["checks"]["sessions"] == "down"
        redis.start()
        await ready(api, 200)
        assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 200
