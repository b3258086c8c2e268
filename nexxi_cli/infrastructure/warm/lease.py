"""How long an engine that nobody asks stays. Knows the time, and nothing of sockets."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Lease:
    """Runs out once nobody has used it for `idle_s` seconds, or when it is ended."""

    def __init__(self, idle_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_s = idle_s
        self._clock = clock
        self._users = 0
        self._since = clock()
        self._ended = asyncio.Event()

    @property
    def left_s(self) -> float:
        """Seconds until it runs out, should nobody come; all of them while it is in use."""
        spent_s = 0.0 if self._users else self._clock() - self._since
        return max(self._idle_s - spent_s, 0.0)

    @contextmanager
    def used(self) -> Iterator[None]:
        """It does not run out meanwhile, and begins anew afterwards."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._since = self._clock()

    def extend(self, idle_s: float) -> None:
        """It begins anew, and lasts at least so long from now on."""
        self._idle_s = max(self._idle_s, idle_s)
        self._since = self._clock()

    def end(self) -> None:
        """It is over."""
        self._ended.set()

    async def over(self) -> None:
        """Wait until it has run out."""
        while self._users or self.left_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.left_s):
                    await self._ended.wait()
                return
