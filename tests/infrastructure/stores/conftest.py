"""A sessions file, a Redis, and a store on each."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from tests.infrastructure.stores.spooled import DURABLE, Ears, FailingStore, client_of
from tests.redis_process import RedisProcess, running_redis

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "nexxi" / "sessions.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteSessionStore]:
    opened = SqliteSessionStore(path, busy_timeout_s=0.2)
    yield opened
    await opened.aclose()


@pytest.fixture
def unprivileged_path() -> Iterator[Path]:
    """A path in a folder of a user whom file modes bind: root is made to act as nobody."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.db"
        if os.geteuid() != 0:
            yield path
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield path
        finally:
            os.seteuid(0)


@pytest.fixture
def server(redis_server: RedisProcess) -> RedisProcess:
    """The one Redis of the tests, emptied."""
    redis_server.client.flushall()
    return redis_server


@pytest.fixture
async def redis_store(server: RedisProcess) -> AsyncIterator[RedisSessionStore]:
    """A store in it whose sessions never expire."""
    opened = RedisSessionStore(server.url, ttl_s=None)
    yield opened
    await opened.aclose()


@pytest.fixture
def own_server() -> Iterator[RedisProcess]:
    """A Redis of the test's own, to be killed or frozen."""
    with running_redis() as server:
        yield server


@pytest.fixture
async def own_store(own_server: RedisProcess) -> AsyncIterator[RedisSessionStore]:
    opened = RedisSessionStore(own_server.url, ttl_s=None, timeout_s=0.5)
    yield opened
    await opened.aclose()


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """A Redis of the test's own that comes back with all that it has done."""
    with running_redis(**DURABLE) as server:
        yield server


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "state" / "nexxi" / "spool.db"


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def client(redis: RedisProcess, spool: Path, ears: Ears) -> AsyncIterator[SpoolingSessionStore]:
    """A client of it whose turns may wait."""
    async with client_of(redis.url, spool, ears) as store:
        yield store


@pytest.fixture
def failing(server: RedisProcess) -> FailingStore:
    return FailingStore(server.url)


@pytest.fixture
async def failing_client(failing: FailingStore, spool: Path, ears: Ears) -> AsyncIterator[SpoolingSessionStore]:
    """Behind a link to Redis that the tests can cut, while `redis_store` goes on to reach it."""
    store = SpoolingSessionStore(failing, Spool(spool, place=failing.place), ears)
    yield store
    await store.aclose()
