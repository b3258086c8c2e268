"""The sessions file is locked, damaged, read-only or out of room: one line that names it, and nothing kept is lost."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.infrastructure.stores.sqlite_file import SqliteFile
from tests.contracts.sessions import a_session, a_turn, kept, texts
from tests.infrastructure.stores.others import execute, put, run_python

PAGE_BYTES = 4096


async def refusal_of(store: SqliteSessionStore, path: Path) -> str:
    """What the store says instead of listing sessions: one line that names the file."""
    with pytest.raises(StoreUnavailable) as refusal:
        await store.recent("ada", limit=1)
    message = str(refusal.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def damage(path: Path, *, first_page: int, pages: int) -> None:
    with path.open("r+b") as file:
        file.seek(first_page * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES * pages)


def kill_inside_a_transaction(path: Path, statement: str) -> None:
    """Let another process get half-way through a write, then kill it as SIGKILL does."""
    code = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE'); connection.execute(sys.argv[2])\n"
        "print('half-way', flush=True); sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", code, str(path), statement]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half-way\n"
        writer.kill()


@pytest.mark.parametrize("content", [b"this is not a database " * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
async def test_a_file_that_is_no_database_is_named_and_left_alone(
    store: SqliteSessionStore, path: Path, content: bytes
) -> None:
    put(path, content)
    assert "move the file away" in await refusal_of(store, path)
    assert bytes_of(path) == content


async def test_another_program_s_database_is_refused(store: SqliteSessionStore, path: Path) -> None:
    put(path)
    execute(path, "CREATE TABLE sessions (cookie)")
    assert "move the file away" in await refusal_of(store, path)


async def test_damage_inside_the_file_is_named(path: Path) -> None:
    store = SqliteSessionStore(path)
    session = await store.create(a_session())
    for _ in range(50):
        await store.append(session.session_id, a_turn(answer="x" * 3000))
    await store.aclose()
    damage(path, first_page=8, pages=30)
    store = SqliteSessionStore(path)
    with pytest.raises(StoreUnavailable, match=rf"{path} .*malformed; move the file away"):
        await store.load(session.session_id)
    await store.aclose()


async def test_a_read_only_folder_is_named(unprivileged_path: Path) -> None:
    unprivileged_path.parent.chmod(0o500)
    store = SqliteSessionStore(unprivileged_path)
    assert "Permission denied; make it and its folder writable" in await refusal_of(store, unprivileged_path)
    await store.aclose()


async def test_a_folder_that_became_read_only_is_named(unprivileged_path: Path) -> None:
    put(unprivileged_path)
    unprivileged_path.parent.chmod(0o500)
    store = SqliteSessionStore(unprivileged_path)
    assert "make it and its folder writable" in await refusal_of(store, unprivileged_path)
    await store.aclose()
    unprivileged_path.parent.chmod(0o700)


async def test_a_read_only_file_is_named_before_anything_is_written(unprivileged_path: Path) -> None:
    put(unprivileged_path, mode=0o400)
    store = SqliteSessionStore(unprivileged_path)
    assert "is read-only; make it" in await refusal_of(store, unprivileged_path)
    await store.aclose()


async def test_a_file_in_the_place_of_the_folder_is_named(store: SqliteSessionStore, path: Path) -> None:
    put(path.parent)
    assert "Not a directory" in await refusal_of(store, path)


async def test_a_full_disk_loses_nothing_that_was_kept(store: SqliteSessionStore, path: Path) -> None:
    session = await store.create(a_session())
    await store.append(session.session_id, a_turn("one", "re: one"))

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite's limit: no page more than the file has
        connection.execute("UPDATE sessions SET system = ?", ("x" * 100_000,))

    file = SqliteFile(path, busy_timeout_s=1)
    with pytest.raises(StoreUnavailable, match="is full; free some space on that disk"):
        await file.write(fill)
    await file.aclose()
    assert texts(await store.load(session.session_id)) == ["one", "re: one"]


@pytest.mark.parametrize("replaces_last", [False, True])
async def test_a_disk_that_takes_no_more_loses_nothing_that_was_kept(
    store: SqliteSessionStore, path: Path, *, replaces_last: bool
) -> None:
    session_id = await kept(store, a_session(), "one")
    done = await asyncio.to_thread(
        run_python,
        "import asyncio, resource, sys; from pathlib import Path; from uuid import UUID\n"
        "from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore\n"
        "from tests.contracts.sessions import a_turn\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "async def append(store, session_id, replaces_last):\n"
        "    info = (await store.load(session_id)).info if replaces_last else None\n"
        "    await store.append(session_id, a_turn(answer='x' * 1_000_000), replaces_last_of=info)\n"
        "store = SqliteSessionStore(Path(sys.argv[1]))\n"
        "asyncio.run(append(store, UUID(sys.argv[2]), sys.argv[3] == 'True'))\n",
        path,
        session_id,
        replaces_last,
    )
    assert f"StoreUnavailable: the sessions in {path} cannot be used: " in done.stderr
    assert texts(await store.load(session_id)) == ["one", "re: one"]


async def test_a_writer_killed_while_it_replaces_a_turn_leaves_the_old_one(
    store: SqliteSessionStore, path: Path
) -> None:
    session_id = await kept(store, a_session(), "one")
    await asyncio.to_thread(kill_inside_a_transaction, path, "DELETE FROM turns")
    assert texts(await store.load(session_id)) == ["one", "re: one"]


async def test_a_lock_that_does_not_end_is_given_up_and_named(store: SqliteSessionStore, path: Path) -> None:
    session = await store.create(a_session())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match=rf"{path} .*another program holds it"):
            await store.append(session.session_id, a_turn())
    assert await store.append(session.session_id, a_turn()) == 1


async def test_a_writer_does_not_keep_readers_out(store: SqliteSessionStore, path: Path) -> None:
    session = await store.create(a_session())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM sessions")
        assert await store.load(session.session_id) == session


async def test_the_event_loop_goes_on_while_the_file_is_locked(path: Path) -> None:
    store = SqliteSessionStore(path, busy_timeout_s=30)
    session = await store.create(a_session())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        append = asyncio.create_task(store.append(session.session_id, a_turn()))
        await asyncio.sleep(0.05)
        assert not append.done()
    assert await append == 1
    await store.aclose()


async def test_a_writer_killed_inside_its_transaction_leaves_nothing_of_it(
    store: SqliteSessionStore, path: Path
) -> None:
    session = await store.create(a_session())
    await asyncio.to_thread(kill_inside_a_transaction, path, "UPDATE sessions SET turn_count = 99")
    assert await store.append(session.session_id, a_turn()) == 1


async def test_an_append_whose_caller_is_cancelled_is_whole_or_not_there(store: SqliteSessionStore) -> None:
    session = await store.create(a_session())
    for _ in range(20):
        append = asyncio.create_task(store.append(session.session_id, a_turn()))
        await asyncio.sleep(0)
        append.cancel()
        await asyncio.wait([append])
    loaded = await store.load(session.session_id)
    assert loaded is not None
    assert len(loaded.messages) == 2 * loaded.info.turn_count
