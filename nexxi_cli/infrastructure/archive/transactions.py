"""Work on the archive's database, whatever it is. Knows transactions, its schema, time limits and what errors mean."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.archive.database import Database
from nexxi_cli.infrastructure.archive.layout import NEWEST
from nexxi_cli.infrastructure.archive.migrating import load_steps, upgrade, version_of

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_S = 2.0
MIGRATION_S = 600.0

_CANCEL_S = 0.2
_MIGRATION = UUID(int=0)


class Transactions:
    """Runs work on one database, each in a transaction of its own. Any number of processes may use it at once.

    Whatever needs the tables sees first to it that they are those that this program knows.
    """

    def __init__(self, database: Database, *, answer_s: float = ANSWER_S) -> None:
        self._database = database
        self._answer_s = answer_s
        self._reader = database.engine
        self._writer = database.engine.execution_options(writes=True)
        self._migrating = asyncio.Lock()  # Alembic's `op` is one for the whole process
        self._is_open = False
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def read(
        self, work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `work` finds in one state of the database. Raises ArchiveUnavailable, within about 2 seconds."""
        return await self._transact(self._reader, work, *args, **kwargs)

    async def write(
        self, work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Keep everything that `work` does, or nothing if it raises. Raises as `read` does."""
        return await self._transact(self._writer, work, *args, **kwargs)

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
