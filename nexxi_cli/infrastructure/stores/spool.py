"""The spool: a SQLite file with the writes that wait for a store, in order. Knows its tables, not how to deliver."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.core.types import Session, SessionInfo, Turn
from nexxi_cli.infrastructure.stores.redis_document import document_of, session_from
from nexxi_cli.infrastructure.stores.sqlite_file import SqliteFile
from nexxi_cli.infrastructure.stores.sqlite_schema import Contents

BUSY_TIMEOUT_S = 10.0

Action = Literal["create", "append", "set_system", "truncate"]

SPOOL = Contents(
    "turns that wait for Redis",
    StoreUnavailable,
    (
        (
            """
            CREATE TABLE waiting (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                place TEXT NOT NULL,
                write_id TEXT NOT NULL UNIQUE,
                action TEXT NOT NULL,
                turn_count INTEGER,
                since_s REAL NOT NULL,
                document TEXT NOT NULL
            )
            """,
            "CREATE INDEX waiting_by_place ON waiting (place, number)",
            """
            CREATE TABLE moved (
                place TEXT NOT NULL,
                session_id TEXT NOT NULL,
                moved_to TEXT NOT NULL,
                PRIMARY KEY (place, session_id)
            )
            """,
        ),
        ("ALTER TABLE waiting ADD COLUMN replaces_last_of TEXT",),
    ),
    variable="XDG_STATE_HOME",
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One write that waits.

    session: what it would be if it began with the turn that is to be written, or without one what is known of it.
    turn_count: how many turns stay if that is what is to be done. replaces_last_of: as for the store's append.
    since_s: when it was spooled, seconds since 1970.
    """

    write_id: UUID
    action: Action
    session: Session
    since_s: float
    turn_count: int | None = None
    replaces_last_of: SessionInfo | None = None

    @property
    def turn(self) -> Turn | None:
        """The turn, or None for another change."""
        return only_turn(self.session)

    @property
    def system(self) -> str | None:
        """The system message."""
        return next((message.content for message in self.session.messages if message.role == "system"), None)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, in order, and which sessions' turns have gone to another one."""

    waiting: Sequence[Waiting] = ()
    moved: Mapping[UUID, UUID] = field(default_factory=dict)


def only_turn(session: Session) -> Turn | None:
    """The turn of a session that has exactly one."""
    match [message for message in session.messages if message.role != "system"]:
        case [user, assistant]:
            return Turn(user, assistant, session.info.model or "", session.info.updated_at)
    return None


class Spool:
    """The writes that wait for one place. Any number of processes may use the file at once.

    Every method raises StoreUnavailable when the file cannot be used. There is no file before the first write.
    """

    def __init__(self, path: Path, *, place: str, clock: Callable[[], float] = time.time) -> None:
        """`place` tells the stores apart that the writes are for; `clock` gives seconds since 1970."""
        self._file = SqliteFile(path, busy_timeout_s=BUSY_TIMEOUT_S, contents=SPOOL)
        self._place = place
        self._clock = clock

    async def backlog(self) -> Backlog:
        """All that waits."""
        return await self._file.read(_backlog, self._place) if self._file.exists() else Backlog()

    async def add(
        self,
        action: Action,
        session: Session,
        *,
        write_id: UUID,
        turn_count: int | None = None,
        replaces_last_of: SessionInfo | None = None,
    ) -> None:
        """Put a write at the end; see Waiting. It survives a killed process and a power cut."""
        waiting = Waiting(write_id, action, session, self._clock(), turn_count, replaces_last_of)
        await self._file.write(_add, self._place, waiting)

    async def remove(self, waiting: Waiting, *, went_to: UUID) -> bool:
        """It is delivered, to this session. False when another process has said so already."""
        return await self._file.write(_remove, self._place, waiting, went_to)

    async def drop(self, session_ids: Set[UUID]) -> None:
        """Nothing that waits for these sessions is to be delivered any more."""
        if self._file.exists():
            await self._file.write(_drop, self._place, session_ids)

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()


async def waiting_turns(path: Path) -> Mapping[str, int]:
    """How many turns wait in the file, by the place that they are for. Makes no file. Raises StoreUnavailable."""
    file = SqliteFile(path, busy_timeout_s=BUSY_TIMEOUT_S, contents=SPOOL)
    try:
        return await file.read(_count_turns) if file.exists() else {}
    finally:
        await file.aclose()


def _count_turns(connection: sqlite3.Connection) -> Mapping[str, int]:
    return dict(
        connection.execute(
            "SELECT place, count(*) FROM waiting WHERE action IN ('create', 'append') GROUP BY place ORDER BY place"
        ).fetchall()
    )


def _backlog(connection: sqlite3.Connection, place: str) -> Backlog:
    waiting = connection.execute(
        "SELECT write_id, action, document, since_s, turn_count, replaces_last_of FROM waiting"
        " WHERE place = ? ORDER BY number",
        (place,),
    )
    moved = connection.execute("SELECT session_id, moved_to FROM moved WHERE place = ?", (place,))
    return Backlog(
        [
            Waiting(UUID(write_id), action, session_from(document.encode()), since_s, turn_count, _info_of(replaced))
            for write_id, action, document, since_s, turn_count, replaced in waiting
        ],
        {UUID(session_id): UUID(moved_to) for session_id, moved_to in moved},
    )


def _add(connection: sqlite3.Connection, place: str, waiting: Waiting) -> None:
    connection.execute(
        "INSERT INTO waiting (place, write_id, action, turn_count, since_s, document, replaces_last_of)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            place,
            str(waiting.write_id),
            waiting.action,
            waiting.turn_count,
            waiting.since_s,
            document_of(waiting.session),
            waiting.replaces_last_of and document_of(Session(waiting.replaces_last_of)),
        ),
    )


def _info_of(document: str | None) -> SessionInfo | None:
    return None if document is None else session_from(document.encode()).info


def _remove(connection: sqlite3.Connection, place: str, waiting: Waiting, went_to: UUID) -> bool:
    session_id = waiting.session.session_id
    if went_to != session_id:
        connection.execute("INSERT OR REPLACE INTO moved VALUES (?, ?, ?)", (place, str(session_id), str(went_to)))
    return connection.execute("DELETE FROM waiting WHERE write_id = ?", (str(waiting.write_id),)).rowcount > 0


def _drop(connection: sqlite3.Connection, place: str, session_ids: Set[UUID]) -> None:
    for waiting in _backlog(connection, place).waiting:
        if waiting.session.session_id in session_ids:
            connection.execute("DELETE FROM waiting WHERE write_id = ?", (str(waiting.write_id),))
