"""Places, the queue before them, deadlines, and clients that go away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexxi_cli.core.events import QueueChanged, RequestServed
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.test_chat_route import events_of

WHY = {"message": "Why?", "save": False}


@pytest.fixture
def slow() -> ScriptedBackend:
    """Writes until it is stopped."""
    return ScriptedBackend(delay_s=0.01, endless=True)


async def until(condition: Callable[[], object], *, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it looks at what has no event
            await asyncio.sleep(0.005)


def posting(api: Api, **how: Any) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(api.client.post("/v1/chat", json=WHY | how.pop("body", {}), **how))


async def leave(*tasks: "asyncio.Task[httpx.Response]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_beyond_places_and_queue_the_answer_is_503_with_a_time_to_come_back(
    home: Path, slow: ScriptedBackend
) -> None:
    async with serving(slow, max_concurrent=2, max_queue=3) as api:
        waiting = [posting(api) for _ in range(5)]
        await until(lambda: api.events.of(QueueChanged)[-1:] == [QueueChanged(2, 3)])
        refused = await api.client.post("/v1/chat", json=WHY)
        assert refused.status_code == 503
        assert refused.json()["error"]["type"] == "overloaded_error"
        assert int(refused.headers["retry-after"]) >= 1
        assert slow.most_running == 2
        await leave(*waiting)
        await until(lambda: slow.running == 0)


async def test_of_many_at_once_some_are_refused_and_none_is_dropped(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.005)
    async with serving(backend, max_concurrent=4, max_queue=20, requests_per_minute=1000) as api:
        answers = await asyncio.gather(*(api.client.post("/v1/chat", json=WHY) for _ in range(60)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 503}
        assert statuses.count(200) >= 24
        assert backend.most_running == 4


async def test_a_client_that_leaves_a_stream_frees_its_place_and_stops_the_model(
    home: Path, slow: ScriptedBackend
) -> None:
    async with serving(slow) as api:
        async with api.client.stream("POST", "/v1/chat", json=WHY | {"stream": True}) as answer:
            lines = answer.aiter_lines()
            while "delta" not in await anext(lines):
                pass
        left = time.monotonic()
        await until(lambda: slow.running == 0, seconds=1)
        tokens = slow.tokens
        slow.endless = False
        assert (await api.client.post("/v1/chat", json=WHY)).status_code == 200
        assert time.monotonic() - left < 1
        assert slow.tokens == tokens + len(slow.reply)


async def test_a_client_that_leaves_a_whole_reply_stops_the_model(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow) as api:
        asking = posting(api)
        await until(lambda: slow.running)
        await leave(asking)
        await until(lambda: slow.running == 0, seconds=1)
        await until(lambda: api.events.of(RequestServed))
        assert api.events.of(RequestServed)[-1].status == 499


async def test_a_client_that_leaves_the_queue_was_never_there(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow, max_queue=1) as api:
        first = posting(api)
        await until(lambda: slow.running)
        second = posting(api)
        await until(lambda: api.events.of(QueueChanged)[-1].waiting == 1)
        await leave(second)
        await until(lambda: api.events.of(QueueChanged)[-1].waiting == 0, seconds=1)
        assert len(slow.asked) == 1
        await leave(first)


async def test_two_hundred_impatient_clients_leave_nothing_behind(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow, max_concurrent=4, max_queue=300, requests_per_minute=1000) as api:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=api.url, headers=api.client.headers, limits=limits) as client:

            async def give_up() -> None:
                with pytest.raises(httpx.TimeoutException):
                    await client.post("/v1/chat", json=WHY, timeout=httpx.Timeout(20, read=0.5))

            await asyncio.gather(*(give_up() for _ in range(200)))
        slow.endless = False
        answer = await api.client.post("/v1/chat", json=WHY)
        assert answer.status_code == 200
        await until(lambda: api.events.of(QueueChanged)[-1] == QueueChanged(0, 0))
        metrics = (await api.client.get("/metrics")).text
        assert "nexxi_requests_running 0.0" in metrics
        assert "nexxi_requests_waiting 0.0" in metrics
        assert slow.running == 0


async def test_a_request_past_its_deadline_is_ended(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow, request_timeout_s=0.3) as api:
        answer = await api.client.post("/v1/chat", json=WHY)
        assert answer.status_code == 504
        assert answer.json()["error"]["type"] == "api_error"
        stream = await api.client.post("/v1/chat", json=WHY | {"stream": True})
        assert stream.status_code == 200
        assert "0.3 s" in events_of(stream.text)[-1]["error"]["message"]
        assert "[DONE]" not in stream.text
        assert slow.running == 0


async def test_a_deadline_counts_the_time_in_the_queue(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow, request_timeout_s=0.5) as api:
        first = posting(api)
        await until(lambda: slow.running)
        second = await posting(api)
        assert second.status_code in (200, 504)
        assert (await first).status_code == 504


async def test_one_greedy_key_does_not_starve_another(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.01)
    async with serving(backend, max_queue=50, requests_per_minute=1000) as api:
        other = {"X-API-Key": (await api.app.key_manager().create("other")).text}
        greedy = [posting(api) for _ in range(40)]
        await until(lambda: api.events.of(QueueChanged)[-1:] == [QueueChanged(1, 39)])
        await api.client.post("/v1/chat", json=WHY, headers=other)
        assert sum(task.done() for task in greedy) < 10
        await leave(*greedy)


async def test_while_nothing_comes_there_are_pings(home: Path) -> None:
    from nexxi_cli.http import sse
    from nexxi_cli.http.drain import Drain
    from nexxi_cli.http.record import RequestRecord

    async def late() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.2)
        yield sse.DONE

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    stream = sse.EventStream(late(), drain=Drain(), ping_s=0.05)  # type: ignore[arg-type]
    await stream({"type": "http", "state": {"record": RequestRecord("1")}}, receive, send)
    bodies = [message["body"] for message in sent[1:]]
    assert bodies[0] == sse.PING
    assert bodies[-2:] == [sse.DONE, b""]


async def test_health_is_answered_while_all_places_are_taken(home: Path, slow: ScriptedBackend) -> None:
    async with serving(slow, max_concurrent=1, max_queue=5) as api:
        waiting = [posting(api) for _ in range(6)]
        await until(lambda: slow.running)
        assert (await api.client.get("/health")).status_code == 200
        assert (await api.client.get("/v1/sessions")).status_code == 200
        await leave(*waiting)
