"""What is SQLite's own about the sessions file: modes, WAL, schema. What goes wrong: see test_sqlite_trouble."""

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.infrastructure.stores.sqlite_schema import MIGRATIONS, SESSIONS, migrate
from tests.contracts.sessions import a_session
from tests.infrastructure.stores.others import execute, put, run_python


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_in(folder: Path) -> dict[str, int]:
    """Names and modes."""
    return {file.name: mode_of(file) for file in folder.iterdir()} if folder.exists() else {}


async def test_only_the_user_can_read_the_files_whatever_the_umask(store: SqliteSessionStore, path: Path) -> None:
    before = os.umask(0)
    try:
        await store.create(a_session())
    finally:
        os.umask(before)
    assert files_in(path.parent) == {"sessions.db": 0o600, "sessions.db-shm": 0o600, "sessions.db-wal": 0o600}
    assert mode_of(path.parent) == 0o700


async def test_a_file_that_others_could_read_is_made_private(store: SqliteSessionStore, path: Path) -> None:
    put(path, mode=0o644)
    await store.recent("ada", limit=1)
    assert mode_of(path) == 0o600


async def test_the_file_is_in_wal_mode(store: SqliteSessionStore, path: Path) -> None:
    await store.create(a_session())
    assert execute(path, "PRAGMA journal_mode") == [("wal",)]


async def test_nothing_but_the_database_is_left_after_closing(path: Path) -> None:
    store = SqliteSessionStore(path)
    await store.create(a_session())
    await store.aclose()
    assert list(files_in(path.parent)) == ["sessions.db"]


async def test_a_store_that_was_never_used_leaves_no_file(path: Path) -> None:
    await SqliteSessionStore(path).aclose()
    assert files_in(path.parent) == {}


async def test_an_empty_file_becomes_a_store(store: SqliteSessionStore, path: Path) -> None:
    put(path)
    session = await store.create(a_session(system="Be brief."))
    assert await store.load(session.session_id) == session


async def test_the_file_says_which_schema_it_has(store: SqliteSessionStore, path: Path) -> None:
    await store.create(a_session())
    assert execute(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


async def test_a_newer_schema_is_refused_and_left_alone(store: SqliteSessionStore, path: Path) -> None:
    put(path)
    newer = len(MIGRATIONS) + 1
    execute(path, f"PRAGMA user_version = {newer}")
    with pytest.raises(StoreUnavailable, match=rf"{path} have schema {newer}, .*; upgrade nexxi$"):
        await store.create(a_session())
    assert execute(path, "SELECT * FROM sqlite_master") == []


def test_a_file_goes_through_the_steps_that_it_has_not_seen(path: Path) -> None:
    put(path)
    execute(path, "CREATE TABLE first (a)", "PRAGMA user_version = 1")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, replace(SESSIONS, steps=[["CREATE TABLE first (a)"], ["CREATE TABLE second (a)"]]))
    assert execute(path, "SELECT name FROM sqlite_master") == [("first",), ("second",)]
    assert execute(path, "PRAGMA user_version") == [(2,)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    put(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection, pytest.raises(sqlite3.OperationalError):
        migrate(connection, path, replace(SESSIONS, steps=[["CREATE TABLE first (a)"], ["CREATE TABLE first (a)"]]))
    assert execute(path, "SELECT name FROM sqlite_master") == []
    assert execute(path, "PRAGMA user_version") == [(0,)]


def test_starting_up_loads_no_store() -> None:
    done = run_python(
        "import sys, nexxi_cli.wiring, nexxi_cli.service.conversations\n"
        "print([name for name in sys.modules if name.startswith('nexxi_cli.infrastructure')])"
    )
    assert done.stdout.strip() == "[]", done.stderr
