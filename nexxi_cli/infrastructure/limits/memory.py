"""A RateLimiter for one process. Knows when a name can be forgotten."""

import time
from collections import OrderedDict
from collections.abc import Callable

from nexxi_cli.core.access import Allowance
from nexxi_cli.infrastructure.limits.window import SLOTS_BEFORE, allowance, slot_at


class MemoryRateLimiter:
    """Counts in memory, for one event loop. A name is forgotten a minute after its last amount was booked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, max_names: int | None = None) -> None:
        """`clock`: seconds that never go back. Beyond `max_names`, the name booked longest ago is forgotten early."""
        self._clock = clock
        self._max_names = max_names
        self._names: OrderedDict[str, dict[int, int]] = OrderedDict()  # the one that was booked last comes last

    async def take(self, name: str, *, limit: int, amount: int = 1) -> Allowance:
        """Book `amount` if it is free."""
        now_s = self._clock()
        self._forget_names(now_s)
        held = self._held(name, now_s)
        granted = sum(held.values()) + amount <= limit
        if granted:
            self._book(name, held, slot_at(now_s), amount)
        return allowance(held, now_s, limit=limit, amount=amount, granted=granted)

    async def settle(self, name: str, allowance: Allowance, *, amount: int) -> None:
        """Correct the slot that the allowance was booked in, down to 0; nothing if it no longer counts."""
        now_s = self._clock()
        held = self._held(name, now_s)
        if allowance.slot >= _first_slot(now_s):
            self._book(name, held, allowance.slot, max(amount, -held.get(allowance.slot, 0)))

    async def aclose(self) -> None:
        """Nothing to close."""

    def _held(self, name: str, now_s: float) -> dict[int, int]:
        """The slots of a name that count; the others are dropped."""
        held = self._names.get(name, {})
        for slot in [slot for slot in held if slot < _first_slot(now_s)]:
            del held[slot]
        return held

    def _book(self, name: str, held: dict[int, int], slot: int, amount: int) -> None:
        if not amount:
            return
        held[slot] = held.get(slot, 0) + amount
        if not held[slot]:
            del held[slot]
        self._names[name] = held
        self._names.move_to_end(name)
        if self._max_names is not None and len(self._names) > self._max_names:
            self._names.popitem(last=False)

    def _forget_names(self, now_s: float) -> None:
        """Drop names in the order of their last booking, up to one that still counts."""
        while self._names:
            name, held = next(iter(self._names.items()))
            if any(slot >= _first_slot(now_s) for slot in held):
                return
            del self._names[name]


def _first_slot(now_s: float) -> int:
    """The oldest slot that counts."""
    return slot_at(now_s) - SLOTS_BEFORE
