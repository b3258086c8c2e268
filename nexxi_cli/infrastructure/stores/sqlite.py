"""Sessions in one SQLite file. Knows the tables and the statements; knows nothing of budgets or prompts."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from nexxi_cli.core.types import Message, Session, SessionInfo, Summary, Turn
from nexxi_cli.infrastructure.stores.fields import MAX_CANDIDATES, id_start, is_replaced, time_text, title_of
from nexxi_cli.infrastructure.stores.refusals import id_taken, name_taken, no_session
from nexxi_cli.infrastructure.stores.sqlite_file import SqliteFile

BUSY_TIMEOUT_S = 10.0


class SqliteSessionStore:
    """The SessionStore of a single machine. Any number of processes may use the file at once."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._file = SqliteFile(path, busy_timeout_s=busy_timeout_s)

    async def create(self, session: Session) -> Session:
        """Keep a new session or return its owner's session of the same name."""
        return await self._file.write(_create, session)

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its messages in order, or None."""
        return await self._file.read(_load, session_id)

    async def append(self, session_id: UUID, turn: Turn, *, replaces_last_of: SessionInfo | None = None) -> int:
        """Add one turn at the end, or put it in the place of the last one; return the new turn count."""
        return await self._file.write(_append, session_id, turn, replaces_last_of)

    async def truncate(self, session_id: UUID, turn_count: int) -> None:
        """Keep the system message and the first `turn_count` turns."""
        assert turn_count >= 0
        await self._file.write(_truncate, session_id, turn_count)

    async def set_system(self, session_id: UUID, system: str | None) -> None:
        """Replace, add or remove the system message."""
        await self._file.write(_set_system, session_id, system)

    async def set_summary(self, session_id: UUID, summary: Summary) -> None:
        """Keep a summary of the first turns."""
        await self._file.write(_set_summary, session_id, summary)

    async def rename(self, session_id: UUID, name: str) -> None:
        """Give the session a name of its owner's."""
        await self._file.write(_rename, session_id, name)

    async def delete(self, session_id: UUID) -> bool:
        """Remove the session and its turns."""
        return await self._file.write(_delete, session_id)

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""
        return await self._file.read(_find, owner, reference)

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""
        return await self._file.read(_recent, owner, limit, offset)

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()


def _create(connection: sqlite3.Connection, session: Session) -> Session:
    info = session.info
    named = _named(connection, info.owner, info.name)
    if named is not None:
        return _session(connection, named)
    system, turns = _split(session)
    title = info.title or (title_of(turns[0].user.content) if turns else None)
    times = (time_text(info.created_at), time_text(info.updated_at))
    try:
        connection.execute(
            "INSERT INTO sessions"
            " (session_id, owner, created_at, updated_at, turn_count, name, title, model, system)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (str(info.session_id), info.owner, *times, len(turns), info.name, title, info.model, system),
        )
    except sqlite3.IntegrityError as error:
        raise id_taken(info.session_id) from error
    for number, turn in enumerate(turns, start=1):
        _insert_turn(connection, info.session_id, number, turn)
    return _session(connection, _row(connection, info.session_id))


def _load(connection: sqlite3.Connection, session_id: UUID) -> Session | None:
    row = _row(connection, session_id)
    return None if row is None else _session(connection, row)


def _append(connection: sqlite3.Connection, session_id: UUID, turn: Turn, replaces_last_of: SessionInfo | None) -> int:
    row = _row(connection, session_id)
    if row is None:
        raise no_session(session_id)
    number: int = row["turn_count"] + 1
    if is_replaced(_info(row), replaces_last_of):
        number -= 1
        _truncate(connection, session_id, number - 1)
    _insert_turn(connection, session_id, number, turn)
    connection.execute(
        "UPDATE sessions SET turn_count = ?, updated_at = ?, model = ?, title = coalesce(title, ?)"
        " WHERE session_id = ?",
        (number, time_text(turn.created_at), turn.model, title_of(turn.user.content), str(session_id)),
    )
    return number


def _insert_turn(connection: sqlite3.Connection, session_id: UUID, number: int, turn: Turn) -> None:
    question, answer = turn.user.content, turn.assistant.content
    connection.execute(
        "INSERT INTO turns (session_id, number, question, answer, finish, model, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (str(session_id), number, question, answer, turn.assistant.finish, turn.model, time_text(turn.created_at)),
    )


def _truncate(connection: sqlite3.Connection, session_id: UUID, turn_count: int) -> None:
    changed = connection.execute(
        "UPDATE sessions SET turn_count = min(turn_count, ?) WHERE session_id = ?", (turn_count, str(session_id))
    )
    if not changed.rowcount:
        raise no_session(session_id)
    connection.execute("DELETE FROM turns WHERE session_id = ? AND number > ?", (str(session_id), turn_count))
    connection.execute(
        "UPDATE sessions SET summary = NULL WHERE session_id = ? AND summary_turns > ?", (str(session_id), turn_count)
    )


def _set_system(connection: sqlite3.Connection, session_id: UUID, system: str | None) -> None:
    changed = connection.execute("UPDATE sessions SET system = ? WHERE session_id = ?", (system, str(session_id)))
    if not changed.rowcount:
        raise no_session(session_id)


def _set_summary(connection: sqlite3.Connection, session_id: UUID, summary: Summary) -> None:
    changed = connection.execute(
        "UPDATE sessions SET summary = ?, summary_turns = ? WHERE session_id = ?",
        (summary.text, summary.turns, str(session_id)),
    )
    if not changed.rowcount:
        raise no_session(session_id)


def _rename(connection: sqlite3.Connection, session_id: UUID, name: str) -> None:
    try:
        changed = connection.execute("UPDATE sessions SET name = ? WHERE session_id = ?", (name, str(session_id)))
    except sqlite3.IntegrityError as error:
        raise name_taken(name) from error
    if not changed.rowcount:
        raise no_session(session_id)


def _delete(connection: sqlite3.Connection, session_id: UUID) -> bool:
    return connection.execute("DELETE FROM sessions WHERE session_id = ?", (str(session_id),)).rowcount > 0


def _find(connection: sqlite3.Connection, owner: str, reference: str) -> list[SessionInfo]:
    named = _named(connection, owner, reference)
    if named is not None:
        return [_info(named)]
    start = id_start(reference)
    if start is None:
        return []
    rows = connection.execute(
        "SELECT * FROM sessions WHERE owner = ? AND session_id >= ? AND session_id < ? ORDER BY session_id LIMIT ?",
        (owner, start, start + "g", MAX_CANDIDATES),  # "g" sorts after whatever can follow in an id
    )
    return [_info(row) for row in rows]


def _recent(connection: sqlite3.Connection, owner: str, limit: int, offset: int) -> list[SessionInfo]:
    rows = connection.execute(
        "SELECT * FROM sessions WHERE owner = ? ORDER BY updated_at DESC, session_id DESC LIMIT ? OFFSET ?",
        (owner, limit, offset),
    )
    return [_info(row) for row in rows]


def _row(connection: sqlite3.Connection, session_id: UUID) -> Any:
    return connection.execute("SELECT * FROM sessions WHERE session_id = ?", (str(session_id),)).fetchone()


def _named(connection: sqlite3.Connection, owner: str, name: str | None) -> Any:
    return connection.execute("SELECT * FROM sessions WHERE owner = ? AND name = ?", (owner, name)).fetchone()


def _session(connection: sqlite3.Connection, row: sqlite3.Row) -> Session:
    messages = [] if row["system"] is None else [Message("system", row["system"])]
    for question, answer, finish in connection.execute(
        "SELECT question, answer, finish FROM turns WHERE session_id = ? ORDER BY number", (row["session_id"],)
    ):
        messages += Message("user", question), Message("assistant", answer, finish)
    summary = None if row["summary"] is None else Summary(row["summary_turns"], row["summary"])
    return Session(_info(row), tuple(messages), summary)


def _info(row: sqlite3.Row) -> SessionInfo:
    return SessionInfo(
        session_id=UUID(row["session_id"]),
        owner=row["owner"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        turn_count=row["turn_count"],
        name=row["name"],
        title=row["title"],
        model=row["model"],
    )


def _split(session: Session) -> tuple[str | None, list[Turn]]:
    """The system message and the turns of a session that comes with messages: a first turn, a fork, an import."""
    messages = list(session.messages)
    system = messages.pop(0).content if messages and messages[0].role == "system" else None
    model, time = session.info.model or "", session.info.updated_at
    return system, [Turn(*pair, model, time) for pair in zip(messages[::2], messages[1::2], strict=True)]
