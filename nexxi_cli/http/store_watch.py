"""StoreWatch: whether the session store answers, looked at in the background and told once for each outage."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.core.events import StoreDown, StoreUp
from nexxi_cli.core.ports import Observer, SessionStore

EVERY_S = 2.0
NOBODY = "nobody"
"""An owner without sessions: asking for them costs the store next to nothing."""


class StoreWatch:
    """`async with` it. `error` is why the store cannot be used, or None."""

    def __init__(
        self,
        store: SessionStore,
        observer: Observer,
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._observer = observer
        self._every_s = every_s
        self._clock = clock
        self._down_since: float | None = None
        self._task: asyncio.Task[None]
        self.error: StoreUnavailable | None = None

    async def __aenter__(self) -> "StoreWatch":
        await self.look()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def look(self) -> None:
        """Ask the store once."""
        try:
            await self._store.recent(NOBODY, limit=1)
        except StoreUnavailable as error:
            if self._down_since is None:
                self._down_since = self._clock()
                self._observer.notify(StoreDown(str(error)))
            self.error = error
            return
        if self._down_since is not None:
            self._observer.notify(StoreUp(self._clock() - self._down_since, late_turns=0, moved_turns=0))
        self._down_since = self.error = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()
