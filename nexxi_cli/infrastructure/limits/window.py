"""The sliding window of all limiters: slots of one second, and what a limiter says of those that are taken.

What the current slot and the 60 before it hold counts, so an amount counts for at least 60 s and at most 61 s, and a
name costs at most 61 numbers, whatever its limit.

The `limits` library was considered: its moving window stores an entry for each unit, too many for limits in tokens,
its cheaper windows are not exact, and none takes back what was granted but not used.
"""

import math
from collections.abc import Mapping
from itertools import accumulate

from nexxi_cli.core.access import Allowance

SLOTS_BEFORE = 60
"""How many slots count beside the current one. A slot is the number of a whole second of the limiter's clock."""

MARGIN_S = 1e-6
"""What sums of floats may lose: those of seconds since 1970 are 0.24 microseconds apart."""

Held = Mapping[int, int]
"""Slot -> amount, of the slots that count."""


def slot_at(now_s: float) -> int:
    """The slot of a moment."""
    return math.floor(now_s)


def allowance(held: Held, now_s: float, *, limit: int, amount: int, granted: bool) -> Allowance:
    """What to say at `now_s` of `amount`, which `held` has in it if it was granted."""
    used = sum(held.values())
    return Allowance(
        granted=granted,
        limit=limit,
        remaining=max(0, limit - used),
        reset_s=_until_free_s(max(held), now_s) if held else 0.0,
        retry_after_s=0.0 if granted else _retry_after_s(held, now_s, surplus=used + amount - limit),
        slot=slot_at(now_s),
    )


def _retry_after_s(held: Held, now_s: float, *, surplus: int) -> float:
    """When the oldest slots that hold `surplus` together no longer count; never, if all together hold less."""
    slots = sorted(held)
    freed = accumulate(held[slot] for slot in slots)
    moments = (_until_free_s(slot, now_s) for slot, total in zip(slots, freed, strict=True) if total >= surplus)
    return next(moments, math.inf)


def _until_free_s(slot: int, now_s: float) -> float:
    return slot + SLOTS_BEFORE + 1 - now_s + MARGIN_S
