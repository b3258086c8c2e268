"""The Archive over SQLAlchemy, whatever the database. Knows which work each question is."""

from collections.abc import Sequence, Set
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from nexxi_cli.core.archived import ArchiveEntry, DayStats, SearchHit
from nexxi_cli.core.types import Session, SessionInfo
from nexxi_cli.infrastructure.archive import reading, recording
from nexxi_cli.infrastructure.archive.database import Database
from nexxi_cli.infrastructure.archive.tables import sessions
from nexxi_cli.infrastructure.archive.transactions import Transactions

CHUNK = 200
"""Entries, or sessions to remove, in one round of statements."""


class SqlArchive:
    """The Archive in one database. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transactions = Transactions(database)

    async def record(self, entries: Sequence[ArchiveEntry]) -> None:
        """Apply entries in order, all or none; each once."""

        async def work(connection: AsyncConnection) -> None:
            await self._database.lock(connection, {entry.session_id for entry in entries})
            for first in range(0, len(entries), CHUNK):
                await recording.apply(connection, self._database, entries[first : first + CHUNK])

        await self._transactions.write(work)

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its turns, or None."""
        return await self._transactions.read(reading.load, session_id)

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""
        return await self._transactions.read(reading.find, owner, reference)

    async def recent(self, owner: str, *, limit: int, without: Set[UUID] = frozenset()) -> Sequence[SessionInfo]:
        """The owner's sessions but some, the one that changed last first."""
        return await self._transactions.read(reading.recent, owner, limit, without)

    async def search(self, owner: str, words: str, *, limit: int) -> Sequence[SearchHit]:
        """The owner's turns that have all these words, the best first."""
        return await self._transactions.read(reading.search, self._database, owner, words, limit)

    async def stats(self, owner: str, *, since: datetime) -> Sequence[DayStats]:
        """What the owner's turns cost, by day and model."""
        return await self._transactions.read(reading.stats, self._database, owner, since)

    async def delete_before(self, owner: str, moment: datetime) -> int:
        """Remove sessions that have not changed since, some at a time, so that other writers get their turn."""
        removed = 0
        while some := await self._transactions.write(self._remove_some, owner, moment):
            removed += some
        return removed

    async def check_schema(self) -> None:
        """Raises ArchiveUnavailable unless the tables are those that this program knows."""
        await self._transactions.check_schema()

    async def migrate(self) -> None:
        """Make the tables, or bring older ones up to date."""
        await self._transactions.migrate()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transactions.aclose()

    async def _remove_some(self, connection: AsyncConnection, owner: str, moment: datetime) -> int:
        old = select(sessions.c.session_id).where(sessions.c.owner == owner, sessions.c.updated_at < moment)
        found = list(await connection.scalars(old.limit(CHUNK)))
        await self._database.lock(connection, found)
        still_old = list(await connection.scalars(old.where(sessions.c.session_id.in_(found))))
        await recording.remove(connection, self._database, still_old)
        return len(still_old)
