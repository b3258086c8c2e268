"""What a RedisRateLimiter leaves in Redis, and what it says of a Redis in trouble."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from nexxi_cli.core.access import Allowance
from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.ports import RateLimiter
from nexxi_cli.infrastructure.limits.redis import RedisRateLimiter
from tests.infrastructure.stores.calls import refusal_of
from tests.redis_process import RedisProcess, running_redis

KEY = "nexxi:quota:ada"
LIMIT_S = 5.0
"""A call gives up after one second; the rest is for a busy machine."""

CALLS: dict[str, Callable[[RateLimiter], Awaitable[object]]] = {
    "take": lambda limiter: limiter.take("ada", limit=9),
    "settle": lambda limiter: limiter.settle("ada", an_allowance(), amount=-1),
}


def an_allowance() -> Allowance:
    return Allowance(granted=True, limit=9, remaining=8, reset_s=60, retry_after_s=0, slot=int(time.time()))


@pytest.fixture
def server(redis_server: RedisProcess) -> RedisProcess:
    redis_server.client.flushall()
    return redis_server


@pytest.fixture
async def limiter(server: RedisProcess) -> AsyncIterator[RedisRateLimiter]:
    opened = RedisRateLimiter(server.url)
    yield opened
    await opened.aclose()


@pytest.fixture
def own_server() -> Iterator[RedisProcess]:
    with running_redis() as server:
        yield server


def move(server: RedisProcess, seconds: int) -> None:
    """As if all had been booked so many seconds earlier."""
    for slot, amount in server.client.hgetall(KEY).items():
        server.client.hdel(KEY, slot)
        server.client.hset(KEY, str(int(slot) - seconds), amount)


async def test_a_key_goes_by_itself_once_nothing_of_it_counts(limiter: RedisRateLimiter, server: RedisProcess) -> None:
    allowance = await limiter.take("ada", limit=9)
    assert 61_000 < server.client.pttl(KEY) <= 62_000
    await limiter.settle("ada", allowance, amount=3)
    assert 61_000 < server.client.pttl(KEY) <= 62_000


async def test_a_key_is_not_kept_for_those_who_only_ask_or_give_all_back(
    limiter: RedisRateLimiter, server: RedisProcess
) -> None:
    await limiter.take("ada", limit=9, amount=0)
    await limiter.take("ada", limit=9, amount=10)
    assert server.client.keys() == []
    await limiter.settle("ada", await limiter.take("ada", limit=9), amount=-1)
    assert server.client.keys() == []


async def test_a_key_that_was_corrected_back_to_life_goes_by_itself(
    limiter: RedisRateLimiter, server: RedisProcess
) -> None:
    await limiter.settle("ada", await limiter.take("ada", limit=9, amount=0), amount=3)
    assert 61_000 < server.client.pttl(KEY) <= 62_000


async def test_a_correction_that_comes_too_late_keeps_no_key(limiter: RedisRateLimiter, server: RedisProcess) -> None:
    allowance = await limiter.take("ada", limit=9, amount=0)
    await limiter.settle("ada", replace(allowance, slot=allowance.slot - 61), amount=3)
    assert server.client.keys() == []


async def test_a_key_has_at_most_sixty_one_slots(limiter: RedisRateLimiter, server: RedisProcess) -> None:
    for _ in range(100):
        await limiter.take("ada", limit=10**9, amount=10**6)
        move(server, 1)
    await limiter.take("ada", limit=10**9)
    assert server.client.hlen(KEY) <= 61


async def test_a_clock_that_is_set_back_grants_nothing_twice_and_holds_nothing_for_longer(
    limiter: RedisRateLimiter, server: RedisProcess
) -> None:
    await limiter.take("ada", limit=9, amount=4)
    move(server, 1)
    await limiter.take("ada", limit=9, amount=5)
    move(server, -3600)
    refused = await limiter.take("ada", limit=9)
    assert not refused.granted
    assert 60 < refused.retry_after_s <= 61.000_001
    assert server.client.hgetall(KEY) == {str(refused.slot): "9"}
    assert 61_000 < server.client.pttl(KEY) <= 62_000


async def test_scripts_are_sent_anew_to_a_server_that_has_lost_them(
    limiter: RedisRateLimiter, server: RedisProcess
) -> None:
    await limiter.take("ada", limit=9)
    server.client.script_flush()
    assert (await limiter.take("ada", limit=9)).remaining == 7


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_down_is_named(own_server: RedisProcess, call: str) -> None:
    limiter = RedisRateLimiter(own_server.url)
    await limiter.take("ada", limit=9)
    own_server.kill()
    began = time.monotonic()
    assert f"Redis at {own_server.url} cannot be used" in await refusal_of(CALLS[call](limiter))
    assert time.monotonic() - began < LIMIT_S
    own_server.start()
    assert (await limiter.take("ada", limit=9)).granted
    await limiter.aclose()


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_frozen_is_given_up_after_a_second(own_server: RedisProcess, call: str) -> None:
    limiter = RedisRateLimiter(own_server.url)
    with own_server.frozen():
        began = time.monotonic()
        assert "did not answer within 1 s" in await refusal_of(CALLS[call](limiter))
        assert 0.9 < time.monotonic() - began < LIMIT_S
    await limiter.aclose()


@pytest.mark.parametrize("call", CALLS)
async def test_a_key_of_another_program_is_named_and_left_alone(
    limiter: RedisRateLimiter, server: RedisProcess, call: str
) -> None:
    server.client.set(KEY, "hers")
    assert "a key that begins with nexxi: is another program's" in await refusal_of(CALLS[call](limiter))
    assert server.client.get(KEY) == "hers"


@pytest.mark.parametrize(("slot", "amount"), [("colour", "1"), ("1.5", "1"), ("9" * 10, "blue"), ("9" * 10, "1e3")])
async def test_a_hash_of_another_program_is_named_and_left_alone(
    limiter: RedisRateLimiter, server: RedisProcess, slot: str, amount: str
) -> None:
    server.client.hset(KEY, slot, amount)
    assert f"has something else than nexxi's own under {KEY}" in await refusal_of(CALLS["take"](limiter))
    assert server.client.hgetall(KEY) == {slot: amount}


async def test_an_amount_of_another_program_is_not_corrected(limiter: RedisRateLimiter, server: RedisProcess) -> None:
    allowance = await limiter.take("ada", limit=9)
    server.client.hset(KEY, str(allowance.slot), "blue")
    message = await refusal_of(limiter.settle("ada", allowance, amount=1))
    assert f"has something else than nexxi's own under {KEY}" in message


def test_a_url_that_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(SettingsError):
        RedisRateLimiter("redis://localhost/0?colour=blue")
