"""Breaker: whether a server is worth asking (Nygard 2007, "Release It!", the circuit breaker). Knows no server."""

import time
from collections.abc import Callable

FAILURES = 3
"""In a row: one may be chance, and each costs a request the time that it takes to fail."""
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0


class Breaker:
    """Closed: ask. Open, after some failures in a row: do not, until a pause is over; then one may try.

    Each failure of such a try doubles the pause; a success closes it.
    """

    def __init__(self, *, failures: int = FAILURES, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = failures
        self._clock = clock
        self._count = 0
        self._pause_s = FIRST_PAUSE_S
        self._next_try: float | None = None
        self._since: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last that was heard of the server is that it does not work."""
        return self._next_try is not None

    def may_try(self) -> bool:
        """Whether a request may go to the server. Of an open one, the one who is told so after its pause."""
        if self._next_try is None:
            return True
        if self._clock() < self._next_try:
            return False
        self._next_try = self._clock() + self._pause_s
        return True

    def failed(self, *, for_good: bool = False) -> bool:
        """It has failed once more, `for_good` if it will again; return whether that opened the breaker."""
        self._count += 1
        if self._next_try is not None:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._next_try = self._clock() + self._pause_s
            return False
        if self._count < self._allowed and not for_good:
            return False
        self._since = self._clock()
        self._next_try = self._since + self._pause_s
        return True

    def worked(self) -> float | None:
        """It has answered; return for how many seconds the breaker had been open, if it was."""
        seconds = None if self._since is None else self._clock() - self._since
        self._count, self._pause_s, self._next_try, self._since = 0, FIRST_PAUSE_S, None, None
        return seconds
