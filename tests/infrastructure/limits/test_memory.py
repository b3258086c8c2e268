"""What a MemoryRateLimiter keeps, and for how long."""

import sys

import pytest

from nexxi_cli.infrastructure.limits.memory import MemoryRateLimiter
from tests.contracts.limiters import SecondsClock


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


def kept(limiter: MemoryRateLimiter) -> dict[str, int]:
    """The names that are in memory, and how many slots each has."""
    return {name: len(slots) for name, slots in limiter._names.items()}


async def test_a_name_has_at_most_sixty_one_slots_whatever_is_taken(clock: SecondsClock) -> None:
    limiter = MemoryRateLimiter(clock)
    for _ in range(1000):
        await limiter.take("ada", limit=10**9, amount=10**6)
        clock.now_s += 0.3
    assert kept(limiter) == {"ada": 61}


async def test_names_that_no_longer_count_are_forgotten_when_another_asks(clock: SecondsClock) -> None:
    limiter = MemoryRateLimiter(clock)
    for number in range(100):
        await limiter.take(f"ada {number}", limit=1)
    clock.now_s += 30
    await limiter.take("ada 7", limit=2)
    clock.now_s += 31
    await limiter.take("bob", limit=1)
    assert kept(limiter).keys() == {"ada 7", "bob"}


async def test_names_that_only_ask_or_are_refused_are_not_kept(clock: SecondsClock) -> None:
    limiter = MemoryRateLimiter(clock)
    await limiter.take("ada", limit=1, amount=0)
    await limiter.take("bob", limit=1, amount=2)
    await limiter.settle("carl", await limiter.take("dan", limit=1, amount=0), amount=-1)
    assert kept(limiter) == {}


async def test_a_correction_that_comes_too_late_keeps_no_name(clock: SecondsClock) -> None:
    limiter = MemoryRateLimiter(clock)
    allowance = await limiter.take("ada", limit=1, amount=0)
    clock.now_s += 61
    await limiter.settle("ada", allowance, amount=1)
    assert kept(limiter) == {}


async def test_beyond_the_most_names_the_one_booked_longest_ago_is_forgotten(clock: SecondsClock) -> None:
    limiter = MemoryRateLimiter(clock, max_names=2)
    for name in ("ada", "bob", "ada", "carl"):
        await limiter.take(name, limit=9)
    assert kept(limiter) == {"ada": 1, "carl": 1}


async def test_an_hour_of_new_names_takes_no_more_memory_than_a_minute_of_them(clock: SecondsClock) -> None:
    limiter = MemoryRateLimiter(clock)
    for number in range(10_000):
        await limiter.take(str(number), limit=1)
        clock.now_s += 0.36
    assert len(kept(limiter)) <= 61 / 0.36 + 1
    assert sys.getsizeof(limiter._names) < 100_000
