"""The archive in a SQLite file: FTS5 finds the words, bm25 ranks them."""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import URL, bindparam, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from nexxi_cli.core.archived import ArchivedTurn
from nexxi_cli.core.errors import SettingsError
from nexxi_cli.infrastructure.archive.database import CANDIDATES
from nexxi_cli.infrastructure.archive.keys import SqlKeyStore
from nexxi_cli.infrastructure.archive.layout import BUSY_TIMEOUT_S, IN_SQLITE, storable
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from nexxi_cli.infrastructure.archive.words import Phrase, words_of
from nexxi_cli.infrastructure.stores.sqlite_file import advice_on, enter_wal_mode, make_private, translated

CONNECTIONS = 4

# The owner is a word of a column of its own, so that FTS5 walks through this owner's turns only.
_SEARCH = text(
    "SELECT key, -score FROM (SELECT rowid AS key, bm25(archive_words, 0.0, 1.0) AS score FROM archive_words"
    " WHERE archive_words MATCH :query ORDER BY rowid DESC LIMIT :candidates) ORDER BY score, key DESC LIMIT :limit"
)
_ADD = text("INSERT INTO archive_words (rowid, owner, words) VALUES (:key, :owner, :words)")
_REMOVE = text("DELETE FROM archive_words WHERE rowid IN :keys").bindparams(bindparam("keys", expanding=True))


def sqlite_archive(url: str) -> SqlArchive:
    """The archive at `sqlite:///relative/path` or `sqlite:////absolute/path`. Raises SettingsError without a path."""
    return SqlArchive(SqliteDatabase(_path_in(url)))


def sqlite_keys(url: str) -> SqlKeyStore:
    """The keys in the same file. Raises SettingsError as `sqlite_archive` does."""
    return SqlKeyStore(SqliteDatabase(_path_in(url)))


class SqliteDatabase:
    """A SQLite file of the user's own (0600), in WAL mode. It is made, and its schema kept up to date, by itself."""

    migrates_itself = True
    day = "substr(archive_turns.created_at, 1, 10)"

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path = path.absolute()
        # mode=rw: a file that has vanished is an error; SQLite would make one that others can read
        address = URL.create("sqlite+aiosqlite", database=self._path.as_uri(), query={"mode": "rw", "uri": "true"})
        self.engine = create_async_engine(
            address,
            connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=BUSY_TIMEOUT_S,
            hide_parameters=True,
        )
        event.listen(self.engine.sync_engine, "connect", _set_up)
        event.listen(self.engine.sync_engine, "begin", _begin)

    async def prepare(self) -> None:
        """Make the file, private and in WAL mode."""
        await asyncio.to_thread(self._prepare)

    def complaint(self, error: BaseException | None) -> str:
        """SQLite's own message and the file's name."""
        advice = advice_on(error) if isinstance(error, sqlite3.Error) else None
        return f"the archive in {self.place} cannot be used: {error}" + (f"; {advice}" if advice else "")

    async def lock(self, connection: AsyncConnection, ids: Iterable[UUID]) -> None:
        """A transaction that writes has the file for itself from its beginning."""

    async def add_words(self, connection: AsyncConnection, turns: Mapping[int, ArchivedTurn]) -> None:
        """Into FTS5."""
        rows = [
            {
                "key": key,
                "owner": _word_of(turn.owner),
                "words": " ".join(words_of(turn.question, turn.answer)),
            }
            for key, turn in turns.items()
        ]
        await connection.execute(_ADD, rows)

    async def remove_words(self, connection: AsyncConnection, keys: Sequence[int]) -> None:
        """From FTS5."""
        await connection.execute(_REMOVE, {"keys": keys})

    async def search(
        self, connection: AsyncConnection, owner: str, phrases: Sequence[Phrase], limit: int
    ) -> Sequence[tuple[int, float]]:
        """Every word is quoted, so FTS5 sees no syntax in it."""
        wanted = " AND ".join('"' + " ".join(phrase) + '"' for phrase in phrases)
        query = f'owner : "{_word_of(owner)}" AND words : ({wanted})'
        values = {"query": query, "candidates": CANDIDATES, "limit": limit}
        return [(key, rank) for key, rank in await connection.execute(_SEARCH, values)]

    def _prepare(self) -> None:
        with translated(self._path, IN_SQLITE):
            make_private(self._path)
            with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
                enter_wal_mode(connection, timeout_s=BUSY_TIMEOUT_S)


def _set_up(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _path_in(url: str) -> Path:
    path = url.removeprefix("sqlite:///")
    if not path:
        raise SettingsError(f"{url} names no file: the archive needs sqlite:///PATH")
    return Path(path)


def _word_of(owner: str) -> str:
    """The owner as one word of letters and digits."""
    return "o" + storable(owner).encode().hex()
