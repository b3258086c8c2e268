"""The list of archived sessions out of the archive's SQLite file, read with the standard library.

SQLAlchemy takes longer to load than `nexxi sessions list` takes without it. Knows the columns that a list shows.
"""

import sqlite3
from collections.abc import Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from nexxi_cli.core.types import SessionInfo
from nexxi_cli.infrastructure.archive.layout import (
    BUSY_TIMEOUT_S,
    IN_SQLITE,
    NEWEST,
    VERSION_TABLE,
    restored,
    storable,
)
from nexxi_cli.infrastructure.stores.sqlite_file import SqliteFile

_RECENT = (
    "SELECT session_id, owner, created_at, updated_at, turn_count, name, title, model FROM archive_sessions"
    " WHERE owner = ? ORDER BY updated_at DESC, session_id DESC LIMIT ?"
)


class SqliteList:
    """The file of a SqliteDatabase, for reading. It makes neither the file nor its tables."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, busy_timeout_s=BUSY_TIMEOUT_S, contents=IN_SQLITE)

    async def recent(self, owner: str, *, limit: int, without: Set[UUID]) -> Sequence[SessionInfo] | None:
        """As of ArchivedSessions; None when the tables are not those of this program. Raises ArchiveUnavailable."""
        if not self._file.exists():
            return ()
        infos = await self._file.read(_recent, owner, limit + len(without))
        return None if infos is None else [info for info in infos if info.session_id not in without][:limit]

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()


def _recent(connection: sqlite3.Connection, owner: str, limit: int) -> list[SessionInfo] | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone():
        return None
    (version,) = connection.execute(f"SELECT max(version_num) FROM {VERSION_TABLE}").fetchone()  # noqa: S608 - ours
    if version != NEWEST:
        return None
    return [_info(row) for row in connection.execute(_RECENT, (storable(owner), limit))]


def _info(row: sqlite3.Row) -> SessionInfo:
    return SessionInfo(
        session_id=UUID(row["session_id"]),
        owner=restored(row["owner"]),
        created_at=_time(row["created_at"]),
        updated_at=_time(row["updated_at"]),
        turn_count=row["turn_count"],
        name=None if row["name"] is None else restored(row["name"]),
        title=None if row["title"] is None else restored(row["title"]),
        model=restored(row["model"]),
    )


def _time(text: str) -> datetime:
    """SQLAlchemy writes times in UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
