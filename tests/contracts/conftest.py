"""The stores, archives and rate limiters that the contract suites run on."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from nexxi_cli.core.ports import Archive, SessionStore
from tests.contracts.archives import ArchivePlace, migrated_template
from tests.contracts.limiters import TimedLimiter, TimedMemoryLimiter, TimedRedisLimiter
from tests.contracts.places import OPENERS, StorePlace
from tests.postgres_process import Postgres
from tests.redis_process import RedisProcess


@pytest.fixture
def new_sqlite_address(tmp_path: Path) -> Callable[[], str]:
    numbers = count()
    return lambda: str(tmp_path / str(next(numbers)) / "sessions.db")


@pytest.fixture
def new_redis_address(redis_server: RedisProcess) -> Callable[[], str]:
    """The one server, emptied: a new place is the end of the place before."""

    def new_address() -> str:
        redis_server.client.flushall()
        return redis_server.url

    return new_address


@pytest.fixture
def new_spooled_redis_address(tmp_path: Path, new_redis_address: Callable[[], str]) -> Callable[[], str]:
    """The same server behind a spool that is there, and empty."""
    return lambda: f"{new_redis_address()} {empty_spool(tmp_path / 'spool.db')}"


@pytest.fixture(params=sorted(OPENERS))
def new_place(request: pytest.FixtureRequest) -> Callable[[], StorePlace]:
    """Makes empty places of one kind."""
    new_address = request.getfixturevalue(f"new_{request.param}_address")
    return lambda: StorePlace(request.param, new_address())


def empty_spool(path: Path) -> Path:
    path.touch(mode=0o600)
    return path


@pytest.fixture
def place(new_place: Callable[[], StorePlace]) -> StorePlace:
    return new_place()


@pytest.fixture
async def store(place: StorePlace) -> AsyncIterator[SessionStore]:
    opened = place.open()
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """A database with the archive's tables, to be copied."""
    return migrated_template(postgres)


@pytest.fixture(params=["postgresql", "sqlite"])
def archive_place(request: pytest.FixtureRequest, tmp_path: Path) -> ArchivePlace:
    """An empty place for an archive, with its tables made."""
    if request.param == "sqlite":
        return ArchivePlace(f"sqlite:///{tmp_path / 'archive.db'}")
    postgres: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    return ArchivePlace(postgres.url(postgres.new_database(template)))


@pytest.fixture
async def archive(archive_place: ArchivePlace) -> AsyncIterator[Archive]:
    opened = archive_place.open()
    yield opened
    await opened.aclose()


@pytest.fixture(params=["memory", "redis"])
def new_limiter(request: pytest.FixtureRequest) -> Callable[[], TimedLimiter]:
    """Makes limiters of one kind that have granted nothing yet: the end of the one before."""
    if request.param == "memory":
        return TimedMemoryLimiter
    server: RedisProcess = request.getfixturevalue("redis_server")

    def new_redis_limiter() -> TimedLimiter:
        server.client.flushall()
        return TimedRedisLimiter(server)

    return new_redis_limiter


@pytest.fixture
async def limiter(new_limiter: Callable[[], TimedLimiter]) -> AsyncIterator[TimedLimiter]:
    opened = new_limiter()
    yield opened
    await opened.aclose()
