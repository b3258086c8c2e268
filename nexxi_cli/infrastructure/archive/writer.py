"""ArchiveWriter: the task that moves entries from the outbox to the archive, behind everybody's back."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from nexxi_cli.core.archived import ArchiveEntry
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.events import ArchiveDown, ArchiveUp
from nexxi_cli.core.ports import Archive, Observer
from nexxi_cli.infrastructure.archive.outbox import Outbox

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0
CLOSE_S = 3.0


class ArchiveWriter:
    """Drains the outbox when it is opened, whenever something was put in, and once more when it is closed.

    While the archive is down it tries again after 1 s, then after twice as long each time, up to 30 s. It does nothing
    while there is nothing to do. What is left at the end waits for the next process.
    """

    def __init__(
        self,
        outbox: Outbox,
        archive: Archive,
        observer: Observer,
        *,
        first_retry_s: float = FIRST_RETRY_S,
        close_s: float = CLOSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._archive = archive
        self._observer = observer
        self._first_retry_s = first_retry_s
        self._close_s = close_s
        self._clock = clock
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self.wake()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()  # in the middle of a batch, too: what is handed over twice is kept once
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()
        with suppress(ArchiveUnavailable, TimeoutError):
            async with asyncio.timeout(self._close_s):
                await self._outbox.drain(self._archive)

    async def put(self, entries: Sequence[ArchiveEntry]) -> None:
        """Put entries into the outbox and wake the task. Raises ArchiveUnavailable if the outbox cannot be written."""
        await self._outbox.put(entries)
        self.wake()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self._drain()

    async def _drain(self) -> None:
        down_since: float | None = None
        retry_s = self._first_retry_s
        while True:
            try:
                await self._outbox.drain(self._archive)
            except ArchiveUnavailable as error:
                if down_since is None:
                    down_since = self._clock()
                    self._observer.notify(ArchiveDown(str(error)))
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, LAST_RETRY_S)
            else:
                if down_since is not None:
                    self._observer.notify(ArchiveUp(self._clock() - down_since))
                return
