"""LogBehind: a TurnLog that nobody waits for, for a server whose replies are due."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Self

from nexxi_cli.core.archived import ArchiveEntry
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.events import ArchiveDown, ArchiveUp
from nexxi_cli.core.ports import Observer, TurnLog

MOST_WAITING = 10_000
"""Puts that may wait, about 10 MB of turns: a log that takes none of them is broken, and whoever adds is told."""
RETRY_S = 1.0
CLOSE_S = 3.0

GATHER_S = 0.02
"""How long an entry waits for others. Writing at once would take the interpreter from the reply that is about to leave:
0.24 ms of one were measured so.
"""

MOST_TOGETHER = 200
"""Puts that are written in one transaction."""


class LogBehind:
    """Hands entries on to `log`, in their order, behind the back of those who put them. `async with` it.

    What waits here, for some GATHER_S as a rule, is lost with the process if that is killed; the sessions have it.
    While the log cannot be written everything waits, which the observer is told once.
    """

    def __init__(
        self,
        log: TurnLog,
        observer: Observer,
        *,
        most_waiting: int = MOST_WAITING,
        retry_s: float = RETRY_S,
        close_s: float = CLOSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._observer = observer
        self._most_waiting = most_waiting
        self._retry_s = retry_s
        self._close_s = close_s
        self._clock = clock
        self._waiting: deque[Sequence[ArchiveEntry]] = deque()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._close_s):
                while self._waiting:  # noqa: ASYNC110 - a moment, at the very end
                    await asyncio.sleep(0.01)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def put(self, entries: Sequence[ArchiveEntry]) -> None:
        """Take entries and return at once. Raises ArchiveUnavailable when too many wait."""
        if len(self._waiting) >= self._most_waiting:
            raise ArchiveUnavailable(f"{len(self._waiting)} notes wait for the archive and none is taken")
        self._waiting.append(entries)
        self._woken.set()

    async def _run(self) -> None:
        down_since: float | None = None
        while True:
            await self._woken.wait()
            self._woken.clear()
            await asyncio.sleep(GATHER_S)
            while self._waiting:
                together = list(islice(self._waiting, MOST_TOGETHER))
                try:
                    await self._log.put([entry for entries in together for entry in entries])
                except ArchiveUnavailable as error:
                    if down_since is None:
                        down_since = self._clock()
                        self._observer.notify(ArchiveDown(str(error)))
                    await asyncio.sleep(self._retry_s)
                    continue
                for _ in together:
                    self._waiting.popleft()
                if down_since is not None:
                    self._observer.notify(ArchiveUp(self._clock() - down_since))
                    down_since = None
