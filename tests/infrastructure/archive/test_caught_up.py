"""The archive's sessions as of now: what waits is told first where it counts, and a plain list loads no SQLAlchemy."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from nexxi_cli.core.archived import SessionDeleted
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.archive.caught_up import CaughtUpArchive
from nexxi_cli.infrastructure.archive.layout import VERSION_TABLE
from nexxi_cli.infrastructure.archive.outbox import BATCH, Outbox
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from nexxi_cli.infrastructure.archive.sqlite import sqlite_archive
from nexxi_cli.infrastructure.archive.sqlite_list import SqliteList
from tests.contracts.archived import an_archived_turn, recorded
from tests.infrastructure.stores.others import execute, put, run_python

ODD = "a\x00\x1a\ud800 🙂 \x1a0000"


class Place:
    """An archive in a file, what waits for it, and both as the conversations see them."""

    def __init__(self, folder: Path, outbox: Outbox) -> None:
        self.file = folder / "archive.db"
        self.outbox = outbox
        self.opened = 0
        self.archive: SqlArchive = sqlite_archive(f"sqlite:///{self.file}")
        self.quick_list = SqliteList(self.file)
        self.caught_up = CaughtUpArchive(outbox, self.open, self.quick_list)

    def open(self) -> SqlArchive:
        self.opened += 1
        return self.archive


@pytest.fixture
async def place(tmp_path: Path, outbox: Outbox) -> AsyncIterator[Place]:
    place = Place(tmp_path, outbox)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(place.archive.aclose)
        stack.push_async_callback(place.caught_up.aclose)
        yield place


async def test_the_quick_list_is_that_of_the_archive(place: Place) -> None:
    for minute, text in enumerate(("plain", "", ODD)):
        await recorded(place.archive, "one", "two", owner="ada", name=text, minute=minute)
        await recorded(place.archive, "one", owner=ODD, name=None, minute=minute)
    for owner in ("ada", ODD, "nobody"):
        for limit in (1, 2, 9):
            listed = await place.archive.recent(owner, limit=limit)
            assert await place.quick_list.recent(owner, limit=limit, without=frozenset()) == listed
            assert await place.caught_up.recent(owner, limit=limit) == listed
    assert place.opened == 0


async def test_the_quick_list_leaves_out_what_is_not_wanted(place: Place) -> None:
    ids = [await recorded(place.archive, "one", minute=minute) for minute in range(4)]
    (first, second) = await place.caught_up.recent("ada", limit=2, without={ids[3], ids[1]})
    assert [first.session_id, second.session_id] == [ids[2], ids[0]]


async def test_what_waits_of_sessions_that_are_not_wanted_goes_on_waiting(place: Place) -> None:
    archived = await recorded(place.archive, "one")
    turn = an_archived_turn("two")
    await place.outbox.put([turn])
    assert [info.session_id for info in await place.caught_up.recent("ada", limit=9, without={turn.session_id})] == [
        archived
    ]
    assert (place.opened, (await place.outbox.count()).waiting) == (0, 1)


async def test_what_waits_of_another_session_is_told_before_it_is_listed(place: Place) -> None:
    archived = await recorded(place.archive, "one")
    turn = an_archived_turn("two")
    await place.outbox.put([turn, SessionDeleted(uuid4(), archived)])
    assert [info.session_id for info in await place.caught_up.recent("ada", limit=9)] == [turn.session_id]
    assert (await place.outbox.count()).waiting == 0


async def test_much_that_waits_is_told_whatever_it_is(place: Place) -> None:
    turn = an_archived_turn("one")
    await place.outbox.put([an_archived_turn("one", session_id=turn.session_id) for _ in range(BATCH + 1)])
    assert await place.caught_up.recent("ada", limit=9, without={turn.session_id}) == []
    assert (await place.outbox.count()).waiting == 0


async def test_what_cannot_be_read_is_set_aside_as_ever(place: Place, path: Path) -> None:
    await place.outbox.put([an_archived_turn("one")])
    execute(path, "UPDATE waiting SET fields = X'FF00'")
    assert await place.caught_up.recent("ada", limit=9) == []
    assert (await place.outbox.count()).set_aside == 1


async def test_where_nothing_was_archived_no_file_is_made(place: Place) -> None:
    assert await place.caught_up.recent("ada", limit=9) == ()
    assert not place.file.exists()


@pytest.mark.parametrize("statement", [f"DROP TABLE {VERSION_TABLE}", f"UPDATE {VERSION_TABLE} SET version_num = 'z'"])
async def test_tables_of_another_version_are_the_archive_s_business(place: Place, statement: str) -> None:
    await recorded(place.archive, "one")
    execute(place.file, statement)
    assert await place.quick_list.recent("ada", limit=9, without=frozenset()) is None
    await place.caught_up.recent("ada", limit=9)
    assert place.opened == 1


async def test_a_file_that_is_no_database_is_named(place: Place) -> None:
    put(place.file, b"this is not a database " * 100)
    with pytest.raises(ArchiveUnavailable, match=f"the archive in {place.file} cannot be used"):
        await place.caught_up.recent("ada", limit=9)


def test_listing_loads_no_sqlalchemy(tmp_path: Path) -> None:
    done: subprocess.CompletedProcess[str] = run_python(
        "import asyncio, sys; from pathlib import Path\n"
        "from nexxi_cli.core.paths import Paths; from nexxi_cli.core.settings import Settings\n"
        "from nexxi_cli.wiring import open_app\n"
        "async def main(folder):\n"
        "    paths = Paths(folder, folder, folder, folder, folder)\n"
        "    async with open_app(Settings(redis_url='redis://127.0.0.1:1'), paths, spool=True) as app:\n"
        "        await app.conversations._archiving.recent_if_up('ada', limit=9, without=frozenset())\n"
        "asyncio.run(main(Path(sys.argv[1])))\n"
        "assert 'sqlalchemy' not in sys.modules\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
