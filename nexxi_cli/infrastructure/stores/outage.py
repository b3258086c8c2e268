"""An outage of a store: when it began, what came late, and who is told. One event at its beginning, one at its end."""

import time
from collections.abc import Callable

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.core.events import StoreDown, StoreUp
from nexxi_cli.core.ports import Observer


class Outage:
    """Whether a store is down, as far as this process has seen."""

    def __init__(self, observer: Observer, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._observer = observer
        self._clock = clock
        self._is_told = False
        self._since_s: float | None = None
        self._late_turns = 0
        self._moved_turns = 0

    def began(self, refusal: StoreUnavailable) -> None:
        """The store has refused."""
        if not self._is_told:
            self._is_told = True
            self._observer.notify(StoreDown(str(refusal)))
        self._count_from(self._clock())

    def delivered(self, *, since_s: float, is_moved: bool) -> None:
        """A turn that had waited since then is written; `is_moved`: to another session than its own."""
        self._count_from(since_s)
        self._late_turns += 1
        self._moved_turns += is_moved

    def ended(self) -> None:
        """The store has answered and nothing waits."""
        if self._since_s is None:
            return
        seconds = max(0.0, self._clock() - self._since_s)
        self._observer.notify(StoreUp(seconds, self._late_turns, self._moved_turns))
        self._is_told, self._since_s, self._late_turns, self._moved_turns = False, None, 0, 0

    def _count_from(self, moment_s: float) -> None:
        self._since_s = moment_s if self._since_s is None else min(self._since_s, moment_s)
