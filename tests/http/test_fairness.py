"""The queue between keys, over real connections."""

import asyncio
from pathlib import Path

import httpx

from nexxi_cli.core.events import QueueChanged
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.test_queue import WHY, leave, until


def crowd(api: Api, client: httpx.AsyncClient, count: int) -> "list[asyncio.Task[httpx.Response]]":
    """So many requests of the key that all tests have."""
    return [asyncio.create_task(client.post("/v1/chat", json=WHY)) for _ in range(count)]


def unbounded(api: Api) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=api.url, headers=api.client.headers, limits=limits, timeout=60)


async def test_beside_two_hundred_requests_of_one_key_anothers_is_next_but_one(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.01)
    async with serving(backend, max_queue=300, requests_per_minute=1000) as api, unbounded(api) as client:
        other = {"X-API-Key": (await api.app.key_manager().create("other")).text}
        await api.client.get("/v1/models", headers=other)
        greedy = crowd(api, client, 201)
        await until(lambda: QueueChanged(1, 200) in api.events.of(QueueChanged) or len(backend.asked) > 1)
        for _ in range(3):
            asked = len(backend.asked)
            answer = await client.post("/v1/chat", json=WHY | {"message": "Mine?"}, headers=other)
            assert answer.status_code == 200
            position = [messages[-1].content for messages, _ in backend.asked[asked:]].index("Mine?")
            assert position <= 2  # one may have begun before the request came
        assert sum(task.done() for task in greedy) < 15
        await leave(*greedy)


async def test_a_full_queue_of_one_key_makes_room_for_another(home: Path) -> None:
    backend = ScriptedBackend(delay_s=0.01, endless=True)
    async with serving(backend, max_queue=20, requests_per_minute=1000) as api, unbounded(api) as client:
        other = {"X-API-Key": (await api.app.key_manager().create("other")).text}
        greedy = crowd(api, client, 21)
        await until(lambda: api.events.of(QueueChanged)[-1:] == [QueueChanged(1, 20)])
        assert (await client.post("/v1/chat", json=WHY)).status_code == 503
        waiting = asyncio.create_task(client.post("/v1/chat", json=WHY, headers=other))
        await until(lambda: any(task.done() for task in greedy))
        [pushed_out] = [task.result() for task in greedy if task.done()]
        assert pushed_out.status_code == 503
        assert pushed_out.json()["error"]["type"] == "overloaded_error"
        assert int(pushed_out.headers["retry-after"]) >= 1
        backend.endless = False
        running = next(task for task in greedy if not task.done())
        running.cancel()
        assert (await waiting).status_code == 200
        await leave(*(task for task in greedy if not task.done()))
