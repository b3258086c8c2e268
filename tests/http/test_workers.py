"""Four server processes on one Redis and one database of keys: what one of them knows, all of them do."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.infrastructure.limits.redis import QUOTA_KEY
from nexxi_cli.service.key_manager import KeyManager, NewKey
from nexxi_cli.wiring import key_digest, key_store
from tests.http.workers import Worker, client_of, environment, workers
from tests.redis_process import RedisProcess, running_redis

Ask = Callable[..., Awaitable[httpx.Response]]

WHY = {"message": "Why?", "save": False}
NAMES = ("revoked", "rotated", "walker", "owner", "other")
KNOWN_WITHIN_S = 5.0
"""As README promises of a key that is revoked."""


@asynccontextmanager
async def key_manager(home: Path) -> AsyncIterator[KeyManager]:
    """What `nexxi keys` is in a process beside the servers."""
    paths = xdg_paths(environment(home))
    store = key_store(Settings(), paths)
    yield KeyManager(store, key_digest(Settings(), paths))
    await store.aclose()


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def made(shared_home: Path) -> dict[str, NewKey]:
    """Keys that the servers know from their start."""

    async def make() -> dict[str, NewKey]:
        async with key_manager(shared_home) as keys:
            limits = dict.fromkeys(NAMES, 1000) | {"patient": 2, "racer-1": 60, "racer-4": 60}
            return {name: await keys.create(name, requests_per_minute=limit) for name, limit in limits.items()}

    return asyncio.run(make())


@pytest.fixture(scope="module")
def four(redis: RedisProcess, shared_home: Path, made: dict[str, NewKey]) -> Iterator[list[Worker]]:
    settings = {"NEXXI_REDIS_URL": redis.url, "NEXXI_MAX_CONCURRENT": 4, "NEXXI_MAX_QUEUE": 300}
    with workers(4, shared_home, **settings) as found:
        yield found


@pytest.fixture
async def keys(shared_home: Path) -> AsyncIterator[KeyManager]:
    async with key_manager(shared_home) as manager:
        yield manager


@pytest.fixture
async def ask(four: list[Worker]) -> AsyncIterator[Ask]:
    """Ask one of the four."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(worker)) for worker in four]

        async def asked(number: int, key: str, path: str = "/v1/chat", **body: object) -> httpx.Response:
            headers = {"x-api-key": key}
            if path != "/v1/chat":
                return await clients[number % 4].get(path, headers=headers)
            return await clients[number % 4].post(path, headers=headers, json=WHY | body)

        yield asked


async def statuses(answers: list[Awaitable[httpx.Response]]) -> dict[int, int]:
    found = [answer.status_code for answer in await asyncio.gather(*answers)]
    return {status: found.count(status) for status in found}


async def until(ask: Ask, key: str, status: int) -> None:
    """Wait until all four answer the key with this status; they are kept busy with it all the while."""
    began = time.monotonic()
    while await statuses([ask(number, key, "/v1/models") for number in range(4)]) != {status: 4}:
        assert time.monotonic() - began < KNOWN_WITHIN_S
        await asyncio.sleep(0.4)


@pytest.mark.parametrize("spread", [1, 4], ids=["one worker", "four workers"])
async def test_of_a_race_of_200_requests_just_as_many_get_through_as_the_limit_lets(
    ask: Ask, made: dict[str, NewKey], spread: int
) -> None:
    key = made[f"racer-{spread}"].text
    assert await statuses([ask(number % spread, key) for number in range(200)]) == {200: 60, 429: 140}


async def test_a_key_that_is_revoked_is_refused_by_every_worker_in_time(
    ask: Ask, keys: KeyManager, made: dict[str, NewKey]
) -> None:
    key = made["revoked"].text
    assert await statuses([ask(number, key) for number in range(4)]) == {200: 4}
    await keys.revoke("revoked")
    await until(ask, key, 401)


async def test_a_rotated_key_works_in_the_sessions_of_the_one_before_which_ends(
    ask: Ask, keys: KeyManager, made: dict[str, NewKey]
) -> None:
    before = made["rotated"].text
    session = (await ask(0, before, save=True)).json()["session_id"]
    after = (await keys.rotate("rotated")).text
    await until(ask, after, 200)
    await until(ask, before, 401)
    assert await statuses([ask(number, after, save=True, session_id=session) for number in range(4)]) == {200: 4}


async def test_a_key_stops_at_its_time_on_every_worker(ask: Ask, keys: KeyManager) -> None:
    expiring = await keys.create("expiring", lifetime=timedelta(seconds=5))
    await until(ask, expiring.text, 200)
    assert expiring.key.expires_at is not None
    await asyncio.sleep(expiring.key.expires_at.timestamp() - time.time() + 0.05)
    assert await statuses([ask(number, expiring.text, "/v1/models") for number in range(4)]) == {401: 4}


async def test_a_session_goes_on_on_any_worker(ask: Ask, made: dict[str, NewKey]) -> None:
    key = made["walker"].text
    for number in range(8):
        assert (await ask(number, key, save=True, session_id="walk")).status_code == 200
    shown = [(await ask(number, key, "/v1/sessions/walk")).json() for number in range(4)]
    assert [len(session["messages"]) for session in shown] == [16] * 4


async def test_a_session_is_unknown_to_another_key_on_every_worker(ask: Ask, made: dict[str, NewKey]) -> None:
    owner, other = [made[name].text for name in ("owner", "other")]
    session = (await ask(0, owner, save=True)).json()["session_id"]
    for number in range(4):
        assert (await ask(number, other, f"/v1/sessions/{session}")).status_code == 404
        assert (await ask(number, other, save=True, session_id=session)).status_code == 404
        assert (await ask(number, other, "/v1/sessions")).json()["data"] == []


async def test_a_request_passes_once_the_time_is_over_that_its_refusal_told(
    ask: Ask, made: dict[str, NewKey], redis: RedisProcess
) -> None:
    patient = made["patient"]
    assert await statuses([ask(number, patient.text) for number in range(3)]) == {200: 2, 429: 1}
    refused = await ask(1, patient.text)
    wait_s = int(refused.headers["retry-after"])
    assert 50 < wait_s <= 61
    name = f"{QUOTA_KEY}{patient.key.owner}/patient:requests"
    grow_older(redis, name, wait_s - 5)
    early = await ask(2, patient.text)
    assert (early.status_code, int(early.headers["retry-after"]) <= 5) == (429, True)
    await asyncio.sleep(int(early.headers["retry-after"]))
    assert (await ask(3, patient.text)).status_code == 200


def grow_older(redis: RedisProcess, name: str, seconds: int) -> None:
    """As if what is booked had been booked so many seconds earlier."""
    held = redis.client.hgetall(name)
    redis.client.delete(name)
    redis.client.hset(name, mapping={str(int(slot) - seconds): amount for slot, amount in held.items()})
