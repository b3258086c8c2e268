"""What is SQLite's own about the archive: its file, its locks, its troubles."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from nexxi_cli.infrastructure.archive.sqlite import sqlite_archive
from tests.contracts.archived import an_archived_turn, recorded
from tests.contracts.sessions import found
from tests.infrastructure.stores.others import execute, put, run_python


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "nexxi" / "a %20?#b.db"


@pytest.fixture
async def archive(path: Path) -> AsyncIterator[SqlArchive]:
    async with aclosing(sqlite_archive(f"sqlite:///{path}")) as archive:
        yield archive


async def refusal_of(archive: SqlArchive, path: Path) -> str:
    with pytest.raises(ArchiveUnavailable) as refused:
        await archive.recent("ada", limit=1)
    message = str(refused.value)
    assert str(path) in message
    assert "\n" not in message
    return message


async def test_only_the_user_can_read_the_files(archive: SqlArchive, path: Path) -> None:
    await recorded(archive, "one")
    names = {path.name, f"{path.name}-shm", f"{path.name}-wal"}
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == dict.fromkeys(
        names, 0o600
    )
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_the_file_is_in_wal_mode(archive: SqlArchive, path: Path) -> None:
    await recorded(archive, "one")
    assert execute(path, "PRAGMA journal_mode") == [("wal",)]


async def test_what_was_recorded_is_there_in_the_next_process(path: Path, archive: SqlArchive) -> None:
    async with aclosing(sqlite_archive(f"sqlite:///{path}")) as first:
        session_id = await recorded(first, "one")
    assert (await found(archive, session_id)).messages[0].content == "one"


async def test_a_locked_file_is_given_up_in_time_and_named(archive: SqlArchive, path: Path) -> None:
    await recorded(archive, "one")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveUnavailable, match="another program holds it"):
            await archive.record([an_archived_turn()])
        assert len(await archive.recent("ada", limit=9)) == 1
    await archive.record([an_archived_turn()])
    assert len(await archive.recent("ada", limit=9)) == 2


async def test_a_file_that_is_no_database_is_named_and_left_alone(archive: SqlArchive, path: Path) -> None:
    put(path, b"this is not a database " * 100)
    assert "move the file away" in await refusal_of(archive, path)
    assert await asyncio.to_thread(path.read_bytes) == b"this is not a database " * 100


async def test_a_file_in_the_place_of_the_folder_is_named(archive: SqlArchive, path: Path) -> None:
    path.parent.parent.mkdir()
    path.parent.write_text("in the way")
    assert "Not a directory" in await refusal_of(archive, path)


async def test_tables_that_have_vanished_are_an_outage_not_a_crash(archive: SqlArchive, path: Path) -> None:
    await recorded(archive, "one")
    execute(path, "DROP TABLE archive_words")
    with pytest.raises(ArchiveUnavailable, match="no such table: archive_words"):
        await archive.search("ada", "one", limit=1)


def test_a_program_that_forgets_to_close_it_ends_all_the_same(path: Path) -> None:
    done = run_python(
        "import asyncio, sys; from nexxi_cli.infrastructure.archive.sqlite import sqlite_archive\n"
        "asyncio.run(sqlite_archive('sqlite:///' + sys.argv[1]).recent('ada', limit=1))",
        path,
    )
    assert done.returncode == 0, done.stderr
