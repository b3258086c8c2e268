"""What every RateLimiter does."""

import asyncio
import math

import pytest

from tests.contracts.limiters import TimedLimiter


async def test_what_fits_is_granted_and_the_rest_is_told(limiter: TimedLimiter) -> None:
    allowance = await limiter.take("ada", limit=10, amount=3)
    assert (allowance.granted, allowance.limit, allowance.remaining) == (True, 10, 7)
    assert allowance.retry_after_s == 0
    assert 60 < allowance.reset_s <= 61.000_001


async def test_an_amount_is_granted_as_a_whole_or_not_at_all(limiter: TimedLimiter) -> None:
    await limiter.take("ada", limit=10, amount=8)
    refused = await limiter.take("ada", limit=10, amount=3)
    assert (refused.granted, refused.remaining) == (False, 2)
    assert (await limiter.take("ada", limit=10, amount=2)).granted


async def test_names_are_counted_apart(limiter: TimedLimiter) -> None:
    await limiter.take("ada", limit=1)
    assert (await limiter.take("bob", limit=1)).granted
    assert not (await limiter.take("ada", limit=1)).granted


@pytest.mark.parametrize("name", ["requests:a b", "ada\n", "нэкси", "*", "a:b:c" * 100])
async def test_any_text_is_a_name(limiter: TimedLimiter, name: str) -> None:
    assert (await limiter.take(name, limit=1)).granted
    assert not (await limiter.take(name, limit=1)).granted


async def test_asking_for_nothing_tells_what_is_left_and_books_nothing(limiter: TimedLimiter) -> None:
    asked = await limiter.take("ada", limit=10, amount=0)
    assert (asked.granted, asked.remaining, asked.reset_s) == (True, 10, 0)
    await limiter.take("ada", limit=10, amount=10)
    assert (await limiter.take("ada", limit=10, amount=0)).granted


async def test_more_than_the_limit_is_never_worth_a_retry(limiter: TimedLimiter) -> None:
    assert (await limiter.take("ada", limit=10, amount=11)).retry_after_s == math.inf


async def test_what_was_taken_counts_for_sixty_seconds_and_is_free_after_one_more(limiter: TimedLimiter) -> None:
    await limiter.take("ada", limit=1)
    await limiter.advance(59)  # Redis' clock goes on meanwhile
    assert not (await limiter.take("ada", limit=1)).granted
    await limiter.advance(2)
    assert (await limiter.take("ada", limit=1)).granted


async def test_the_sixtieth_second_before_the_current_one_still_counts(limiter: TimedLimiter) -> None:
    for name in map(str, range(100)):
        taken = await limiter.take(name, limit=1)
        await limiter.advance(60)
        asked = await limiter.take(name, limit=1, amount=0)
        if asked.slot == taken.slot + 60:  # else Redis' clock has gone on meanwhile
            assert asked.remaining == 0
            return
    raise AssertionError("a hundred times there was another second in between")


async def test_a_refusal_tells_when_enough_of_the_oldest_will_be_free(limiter: TimedLimiter) -> None:
    await limiter.take("ada", limit=10, amount=2)
    await limiter.advance(10)
    await limiter.take("ada", limit=10, amount=3)
    await limiter.advance(10)
    await limiter.take("ada", limit=10, amount=5)
    waits = [(await limiter.take("ada", limit=10, amount=amount)).retry_after_s for amount in (1, 2, 3, 5, 6, 10)]
    assert waits == pytest.approx([40, 40, 50, 50, 60, 60], abs=2)  # Redis' clock goes on meanwhile


@pytest.mark.parametrize("amount", [1, 3])
async def test_after_the_time_that_a_refusal_tells_the_amount_is_granted(limiter: TimedLimiter, amount: int) -> None:
    await limiter.take("ada", limit=3, amount=1)
    await limiter.advance(20)
    await limiter.take("ada", limit=3, amount=2)
    wait_s = (await limiter.take("ada", limit=3, amount=amount)).retry_after_s
    await limiter.advance(wait_s - 5)  # so much time a busy machine may take for the next line
    assert not (await limiter.take("ada", limit=3, amount=amount)).granted
    await limiter.advance(5)
    assert (await limiter.take("ada", limit=3, amount=amount)).granted


async def test_everything_is_free_after_the_time_of_the_reset(limiter: TimedLimiter) -> None:
    await limiter.take("ada", limit=3, amount=1)
    await limiter.advance(30)
    reset_s = (await limiter.take("ada", limit=3, amount=2)).reset_s
    await limiter.advance(reset_s)
    assert (await limiter.take("ada", limit=3, amount=0)).remaining == 3


async def test_what_was_not_used_is_given_back(limiter: TimedLimiter) -> None:
    allowance = await limiter.take("ada", limit=100, amount=100)
    await limiter.advance(5)
    await limiter.settle("ada", allowance, amount=-70)
    assert (await limiter.take("ada", limit=100, amount=0)).remaining == 70


async def test_more_than_was_granted_can_be_booked_beyond_the_limit(limiter: TimedLimiter) -> None:
    allowance = await limiter.take("ada", limit=100, amount=90)
    await limiter.settle("ada", allowance, amount=60)
    over = await limiter.take("ada", limit=100, amount=0)
    assert (over.granted, over.remaining) == (False, 0)
    assert 58 < over.retry_after_s <= 61.000_001
    await limiter.advance(61)
    assert (await limiter.take("ada", limit=100, amount=100)).granted


async def test_a_correction_counts_in_the_second_of_what_it_corrects(limiter: TimedLimiter) -> None:
    first = await limiter.take("ada", limit=100, amount=10)
    await limiter.advance(30)
    await limiter.settle("ada", first, amount=40)
    assert (await limiter.take("ada", limit=100, amount=0)).remaining == 50
    await limiter.advance(31)
    assert (await limiter.take("ada", limit=100, amount=0)).remaining == 100


async def test_what_is_booked_late_in_an_older_second_is_the_first_to_be_free(limiter: TimedLimiter) -> None:
    asked = await limiter.take("ada", limit=10, amount=0)
    await limiter.advance(30)
    await limiter.take("ada", limit=10, amount=5)
    await limiter.settle("ada", asked, amount=5)
    assert (await limiter.take("ada", limit=10)).retry_after_s == pytest.approx(30, abs=2)


async def test_no_more_is_given_back_than_a_second_holds(limiter: TimedLimiter) -> None:
    await limiter.take("ada", limit=100, amount=50)
    await limiter.advance(5)
    allowance = await limiter.take("ada", limit=100, amount=10)
    await limiter.settle("ada", allowance, amount=-1000)
    assert (await limiter.take("ada", limit=100, amount=0)).remaining == 50


@pytest.mark.parametrize("amount", [-1, 1])
async def test_what_no_longer_counts_is_not_corrected(limiter: TimedLimiter, amount: int) -> None:
    allowance = await limiter.take("ada", limit=100, amount=10)
    await limiter.advance(62)
    await limiter.take("ada", limit=100, amount=10)
    await limiter.settle("ada", allowance, amount=amount)
    assert (await limiter.take("ada", limit=100, amount=0)).remaining == 90


async def test_large_amounts_are_counted_exactly(limiter: TimedLimiter) -> None:
    allowance = await limiter.take("ada", limit=10**15, amount=10**15 - 1)
    await limiter.settle("ada", allowance, amount=-1)
    assert (await limiter.take("ada", limit=10**15, amount=2)).remaining == 0


async def test_of_two_hundred_who_ask_at_once_for_sixty_exactly_sixty_are_granted(limiter: TimedLimiter) -> None:
    allowances = await asyncio.gather(*(limiter.take("ada", limit=60) for _ in range(200)))
    assert sum(allowance.granted for allowance in allowances) == 60
