"""The Archive over SQLAlchemy, whatever the database. Knows transactions, time limits and what errors mean."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from nexxi_cli.core.archived import ArchiveEntry, DayStats, SearchHit
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.types import Session, SessionInfo
from nexxi_cli.infrastructure.archive import reading, recording
from nexxi_cli.infrastructure.archive.database import Database
from nexxi_cli.infrastructure.archive.layout import NEWEST
from nexxi_cli.infrastructure.archive.migrating import load_steps, upgrade, version_of
from nexxi_cli.infrastructure.archive.tables import sessions

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_S = 2.0
MIGRATION_S = 600.0
CHUNK = 200
"""Entries, or sessions to remove, in one round of statements."""

_CANCEL_S = 0.2
_MIGRATION = UUID(int=0)


class SqlArchive:
    """The Archive in one database. Any number of processes may use it at once."""

    def __init__(self, database: Database, *, answer_s: float = ANSWER_S) -> None:
        self._database = database
        self._answer_s = answer_s
        self._reader = database.engine
        self._writer = database.engine.execution_options(writes=True)
        self._migrating = asyncio.Lock()  # Alembic's `op` is one for the whole process
        self._is_open = False
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def record(self, entries: Sequence[ArchiveEntry]) -> None:
        """Apply entries in order, all or none; each once."""

        async def work(connection: AsyncConnection) -> None:
            await self._database.lock(connection, {entry.session_id for entry in entries})
            for first in range(0, len(entries), CHUNK):
                await recording.apply(connection, self._database, entries[first : first + CHUNK])

        await self._transact(self._writer, work)

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its turns, or None."""
        return await self._transact(self._reader, reading.load, session_id)

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""
        return await self._transact(self._reader, reading.find, owner, reference)

    async def recent(self, owner: str, *, limit: int, without: Set[UUID] = frozenset()) -> Sequence[SessionInfo]:
        """The owner's sessions but some, the one that changed last first."""
        return await self._transact(self._reader, reading.recent, owner, limit, without)

    async def search(self, owner: str, words: str, *, limit: int) -> Sequence[SearchHit]:
        """The owner's turns that have all these words, the best first."""
        return await self._transact(self._reader, reading.search, self._database, owner, words, limit)

    async def stats(self, owner: str, *, since: datetime) -> Sequence[DayStats]:
        """What the owner's turns cost, by day and model."""
        return await self._transact(self._reader, reading.stats, self._database, owner, since)

    async def delete_before(self, owner: str, moment: datetime) -> int:
        """Remove sessions that have not changed since, some at a time, so that other writers get their turn."""
        removed = 0
        while some := await self._transact(self._writer, self._remove_some, owner, moment):
            removed += some
        return removed

    async def check_schema(self) -> None:
        """Raises ArchiveUnavailable unless the tables are those that this program knows."""
        with self._translated():
            await self._open()

    async def migrate(self) -> None:
        """Make the tables, or bring older ones up to date."""
        steps = await asyncio.to_thread(load_steps)

        async def work(connection: AsyncConnection) -> None:
            await self._database.lock(connection, [_MIGRATION])
            self._refuse_newer(await connection.run_sync(version_of))
            await connection.run_sync(upgrade, steps)

        with self._translated():
            await self._database.prepare()
            async with self._migrating:
                await self._within(MIGRATION_S, _in_transaction(self._writer, work))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._database.engine.dispose()
        if self._abandoned:
            await asyncio.wait(self._abandoned, timeout=self._answer_s)

    async def _remove_some(self, connection: AsyncConnection, owner: str, moment: datetime) -> int:
        old = select(sessions.c.session_id).where(sessions.c.owner == owner, sessions.c.updated_at < moment)
        found = list(await connection.scalars(old.limit(CHUNK)))
        await self._database.lock(connection, found)
        still_old = list(await connection.scalars(old.where(sessions.c.session_id.in_(found))))
        await recording.remove(connection, self._database, still_old)
        return len(still_old)

    async def _transact(
        self,
        engine: AsyncEngine,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with self._translated():
            if not self._is_open:
                await self._open()
            return await self._within(self._answer_s, _in_transaction(engine, work, *args, **kwargs))

    async def _open(self) -> None:
        await self._database.prepare()
        version = await self._within(
            self._answer_s, _in_transaction(self._reader, lambda connection: connection.run_sync(version_of))
        )
        self._refuse_newer(version)
        if version != NEWEST:
            if not self._database.migrates_itself:
                state = "has no tables yet" if version is None else f"has schema {version}, older than {NEWEST}"
                raise ArchiveUnavailable(f"the archive in {self._database.place} {state}; run nexxi doctor --migrate")
            await self.migrate()
        self._is_open = True

    def _refuse_newer(self, version: str | None) -> None:
        if version is not None and version > NEWEST:
            raise ArchiveUnavailable(
                f"the archive in {self._database.place} has schema {version}, this nexxi knows {NEWEST}; upgrade nexxi"
            )

    async def _within(self, limit_s: float, work: Coroutine[Any, Any, T]) -> T:
        """Do `work`, but wait no longer for it. Raises TimeoutError."""
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait([task], timeout=limit_s)
        except asyncio.CancelledError:
            await self._abandon(task)
            raise
        if not done:
            await self._abandon(task)
            raise TimeoutError
        return task.result()

    async def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel it without waiting for a database that does not answer.

        At the first cancellation psycopg asks the server to stop, for up to 10 s; at the second it hangs up.
        """
        for _ in range(2):
            task.cancel()
            if (await asyncio.wait([task], timeout=_CANCEL_S))[0]:
                break
        self._abandoned.add(task)
        task.add_done_callback(self._bury)

    def _bury(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # so that asyncio does not report it as never retrieved

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise ArchiveUnavailable(self._database.complaint(error.orig)) from error
        except (TimeoutError, PoolTimeoutError) as error:
            raise ArchiveUnavailable(
                f"the archive in {self._database.place} did not answer within {self._answer_s:g} s"
            ) from error


async def _in_transaction(
    engine: AsyncEngine,
    work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    async with engine.begin() as connection:
        return await work(connection, *args, **kwargs)
