"""Tokens a minute: booked when a request is admitted, corrected by what it really took."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.test_queue import leave, until

QUESTION = {"message": "Why is the sky blue?", "save": False}
PROMPT_TOKENS, REPLY_TOKENS = 5, 7
"""As the scripted model counts them."""


@asynccontextmanager
async def limited(backend: ScriptedBackend, limit: int, **settings: Any) -> AsyncIterator[Api]:
    async with serving(backend, tokens_per_minute=limit, requests_per_minute=1000, **settings) as api:
        yield api


async def ask(api: Api, **body: object) -> httpx.Response:
    return await api.client.post("/v1/chat", json=QUESTION | body)


async def left(api: Api) -> int:
    """What a request that asks for too much is told is left; it books nothing."""
    refused = await ask(api, max_tokens=10**6)
    assert refused.status_code == 429
    return int(refused.headers["x-ratelimit-remaining-tokens"])


async def test_a_reply_costs_what_it_took_and_not_what_was_booked(home: Path) -> None:
    async with limited(ScriptedBackend(), 1000) as api:
        answer = await ask(api, max_tokens=500)
        assert answer.headers["x-ratelimit-limit-tokens"] == "1000"
        assert 450 < int(answer.headers["x-ratelimit-remaining-tokens"]) < 500  # while it runs
        assert answer.headers["x-ratelimit-reset-tokens"] == "61s"
        assert await left(api) == 1000 - PROMPT_TOKENS - REPLY_TOKENS


async def test_what_runs_holds_what_it_has_booked(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.02, endless=True)
    async with limited(backend, 1000) as api:
        running = asyncio.create_task(ask(api, max_tokens=600))
        await until(lambda: backend.running)
        refused = await ask(api, max_tokens=600)
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        await leave(running)


async def test_a_client_that_leaves_gets_back_what_was_not_written(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.02, endless=True)
    async with limited(backend, 1000) as api:
        running = asyncio.create_task(ask(api, max_tokens=600, stream=True))
        await until(lambda: backend.tokens >= 10)
        await leave(running)
        await until(lambda: backend.running == 0)
        written = PROMPT_TOKENS + backend.tokens
        assert 1000 - written - 2 <= await left(api) <= 1000 - written + 8  # what is held back counts later


async def test_a_client_that_leaves_the_queue_gets_all_back(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.02, endless=True)
    async with limited(backend, 1000) as api:
        other = {"X-API-Key": (await api.app.key_manager().create("other")).text}
        running = asyncio.create_task(api.client.post("/v1/chat", json=QUESTION, headers=other))
        await until(lambda: backend.running)
        waiting = asyncio.create_task(ask(api, max_tokens=600))
        await asyncio.sleep(0.2)
        assert await left(api) < 400
        await leave(waiting)
        await asyncio.sleep(0.1)
        assert await left(api) == 1000
        await leave(running)


async def test_a_request_that_fails_before_its_reply_costs_nothing(home: Path) -> None:
    async with limited(ScriptedBackend(), 1000, max_queue=0) as api:
        assert (await ask(api, session_id="0f6a3d0e-5d6b-4f0e-9d55-1d9d2f6c7a11")).status_code == 404
        assert await left(api) == 1000


async def test_a_reply_that_fails_costs_what_had_been_written(home: Path) -> None:
    async with limited(ScriptedBackend(error=ZeroDivisionError(), error_after=3), 1000) as api:
        assert (await ask(api)).status_code == 500
        assert 1000 - PROMPT_TOKENS - 3 <= await left(api) <= 1000 - PROMPT_TOKENS


async def test_more_than_the_limit_is_refused_without_a_time_to_come_back(home: Path) -> None:
    async with limited(ScriptedBackend(), 1000) as api:
        refused = await ask(api, max_tokens=2000)
        assert refused.status_code == 429
        assert "retry-after" not in refused.headers
        message = refused.json()["error"]["message"]
        assert "limit of 1000 tokens a minute" in message
        assert "ask for fewer tokens" in message


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
async def test_who_states_no_length_is_answered_under_a_limit_below_the_default_one(home: Path, path: str) -> None:
    backend = ScriptedBackend()
    document: dict[str, object] = {"model": "scripted", "messages": [{"role": "user", "content": "Why?"}]}
    async with limited(backend, 200) as api:
        for _ in range(3):
            answer = await api.client.post(path, json=QUESTION if path == "/v1/chat" else document)
            assert answer.status_code == 200
        assert {sampling.max_new_tokens for _, sampling in backend.asked} == {100}


async def test_a_long_prompt_leaves_the_reply_what_the_limit_has_left(home: Path) -> None:
    backend = ScriptedBackend()
    async with limited(backend, 200) as api:
        assert (await ask(api, message="abcd" * 160)).status_code == 200
        assert backend.asked[0][1].max_new_tokens is not None
        assert backend.asked[0][1].max_new_tokens < 100
        refused = await ask(api, message="abcd" * 400)
        assert refused.status_code == 429
        assert "retry-after" not in refused.headers


async def test_a_length_that_is_not_stated_is_the_settings_one(home: Path) -> None:
    backend = ScriptedBackend()
    async with limited(backend, 100_000, max_tokens=300) as api:
        await ask(api)
        await ask(api, max_tokens=50)
        assert [sampling.max_new_tokens for _, sampling in backend.asked] == [300, 50]


async def test_many_at_once_cannot_book_more_than_the_limit(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.05)
    async with limited(backend, 1000, max_concurrent=30) as api:
        answers = await asyncio.gather(*(ask(api, max_tokens=94) for _ in range(30)))
        assert [answer.status_code for answer in answers].count(200) == 10  # of 94 and an estimate of 6
