"""The database is killed, frozen or mute: questions fail soon and in one line, and no turn is lost or doubled."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest

from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.events import ArchiveDown, ArchiveUp, Event
from nexxi_cli.infrastructure.archive.outbox import Outbox, OutboxCount
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from nexxi_cli.infrastructure.archive.writer import ArchiveWriter
from tests.contracts.archive_writer import turns
from tests.contracts.archived import an_archived_turn, found_by, questions_in, recorded, soon
from tests.contracts.archives import ArchivePlace, migrated_template
from tests.contracts.sessions import at
from tests.postgres_process import Postgres

SOON_S = 6.0


class Listener:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that may be done violence to."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres")
        yield server
        server.close()


@pytest.fixture
def place(server: Postgres) -> ArchivePlace:
    return ArchivePlace(server.url(migrated_template(server)))


@pytest.fixture
async def archive(place: ArchivePlace) -> AsyncIterator[SqlArchive]:
    async with aclosing(place.open()) as archive:
        yield archive


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with aclosing(Outbox(tmp_path / "outbox.db")) as outbox:
        yield outbox


@pytest.fixture
def mute_port() -> Iterator[int]:
    """Somebody takes connections there and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def refusals(archive: SqlArchive) -> list[str]:
    """What each method says, all of them asked at once; each within SOON_S."""
    began = time.monotonic()
    answers = await asyncio.gather(
        archive.record([an_archived_turn()]),
        archive.load(uuid4()),
        archive.find("ada", "work"),
        archive.recent("ada", limit=1),
        archive.search("ada", "monad", limit=1),
        archive.stats("ada", since=at(0)),
        archive.delete_before("ada", at(0)),
        archive.check_schema(),
        return_exceptions=True,
    )
    assert time.monotonic() - began < SOON_S
    assert [type(answer) for answer in answers] == [ArchiveUnavailable] * len(answers)
    lines = [str(answer) for answer in answers]
    assert not any("\n" in line for line in lines)
    return lines


async def emptied(outbox: Outbox) -> OutboxCount:
    for _ in range(1000):
        if not (await outbox.count()).waiting:
            break
        await asyncio.sleep(0.02)
    return await outbox.count()


async def test_a_database_that_is_killed_and_comes_back_gets_every_turn_once(
    server: Postgres, archive: SqlArchive, outbox: Outbox
) -> None:
    session_id = uuid4()
    told, observer, slowest_s = turns(str(session_id), 30), Listener(), 0.0
    async with ArchiveWriter(outbox, archive, observer, first_retry_s=0.05) as writer:
        for number, turn in enumerate(told):
            if number == 10:
                await emptied(outbox)
                await asyncio.to_thread(server.kill)
            if number == 20:
                assert (await outbox.count()).waiting == 10
                await asyncio.to_thread(server.start)
            began = time.monotonic()
            await writer.put([turn])
            slowest_s = max(slowest_s, time.monotonic() - began)
        assert await emptied(outbox) == OutboxCount(waiting=0, set_aside=0)
        await soon(lambda: len(observer.heard) == 2)
    assert await questions_in(archive, session_id) == [turn.question for turn in told]
    assert len(await found_by(archive, "monad", limit=99)) == 30
    assert [type(event) for event in observer.heard] == [ArchiveDown, ArchiveUp]
    assert slowest_s < 1.0


async def test_a_killed_database_refuses_every_question_at_once(
    server: Postgres, place: ArchivePlace, archive: SqlArchive
) -> None:
    session_id = await recorded(archive, "one")
    await asyncio.to_thread(server.kill)
    try:
        async with aclosing(place.open()) as newcomer:
            for line in [*await refusals(archive), *await refusals(newcomer)]:
                assert "check the server and NEXXI_DATABASE_URL" in line
    finally:
        await asyncio.to_thread(server.start)
    assert await questions_in(archive, session_id) == ["one"]


async def test_a_frozen_database_is_given_up_in_time_and_used_again_once_it_moves(
    server: Postgres, place: ArchivePlace, archive: SqlArchive
) -> None:
    session_id = await recorded(archive, "one")
    server.freeze()
    try:
        for _ in range(2):
            for line in await refusals(archive):
                assert "did not answer within 2 s" in line
        async with aclosing(place.open()) as newcomer:
            await refusals(newcomer)
    finally:
        server.thaw()
    for _ in range(10):
        assert await questions_in(archive, session_id) == ["one"]
    assert await archive.recent("ada", limit=9)


async def test_a_caller_who_gives_up_is_not_held_by_a_frozen_database(server: Postgres, archive: SqlArchive) -> None:
    session_id = await recorded(archive, "one")
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await archive.load(session_id)
        assert time.monotonic() - began < SOON_S
    finally:
        server.thaw()
    assert await questions_in(archive, session_id) == ["one"]


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up_in_time(mute_port: int) -> None:
    async with aclosing(ArchivePlace(f"postgresql://ada:hunter2@127.0.0.1:{mute_port}/nexxi").open()) as archive:
        for line in await refusals(archive):
            assert f"PostgreSQL at 127.0.0.1:{mute_port}/nexxi" in line
            assert "hunter2" not in line


@pytest.mark.parametrize("query", ["", "?password=hunter2", "?sslmode=hunter2", "?unheard_of=hunter2"])
async def test_no_error_shows_the_password(query: str) -> None:
    async with aclosing(ArchivePlace(f"postgresql://ada:hunter2@127.0.0.1:1/nexxi{query}").open()) as archive:
        with pytest.raises(ArchiveUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1/nexxi") as refused:
            await archive.recent("ada", limit=1)
    assert "ada:hunter2" not in str(refused.value)
    assert query.startswith("?sslmode") or "hunter2" not in str(refused.value)
