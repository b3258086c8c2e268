"""Clients without a valid key may fail so often a minute, and no more."""

import asyncio

import pytest

from nexxi_cli.core.errors import QuotaExceeded
from nexxi_cli.infrastructure.limits.memory import MemoryRateLimiter
from nexxi_cli.service.strangers import AddressLimiter
from tests.contracts.limiters import SecondsClock


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


@pytest.fixture
def addresses(clock: SecondsClock) -> AddressLimiter:
    return AddressLimiter(MemoryRateLimiter(clock, max_names=3), failures_per_minute=10)


async def fail(addresses: AddressLimiter, address: str, *, times: int = 10) -> None:
    for _ in range(times):
        await addresses.failed(address)


async def test_an_address_may_fail_ten_times_and_is_refused_until_the_window_allows(
    addresses: AddressLimiter, clock: SecondsClock
) -> None:
    await fail(addresses, "192.0.2.1", times=4)
    clock.now_s += 20
    await fail(addresses, "192.0.2.1", times=6)
    with pytest.raises(QuotaExceeded, match=r"from 192\.0\.2\.1; try again in 41 s") as refusal:
        await addresses.failed("192.0.2.1")
    clock.now_s += refusal.value.retry_after_s
    await fail(addresses, "192.0.2.1", times=4)
    with pytest.raises(QuotaExceeded):
        await addresses.failed("192.0.2.1")


async def test_refused_attempts_do_not_count(addresses: AddressLimiter, clock: SecondsClock) -> None:
    await fail(addresses, "192.0.2.1")
    clock.now_s += 30
    for _ in range(100):
        with pytest.raises(QuotaExceeded):
            await addresses.failed("192.0.2.1")
    clock.now_s += 31
    await addresses.failed("192.0.2.1")


async def test_of_many_attempts_at_once_no_more_pass_than_may(addresses: AddressLimiter) -> None:
    outcomes = await asyncio.gather(*(addresses.failed("192.0.2.1") for _ in range(50)), return_exceptions=True)
    assert outcomes.count(None) == 10


async def test_one_address_does_not_count_for_another(addresses: AddressLimiter) -> None:
    await fail(addresses, "192.0.2.1")
    await addresses.failed("192.0.2.2")


@pytest.mark.parametrize(
    ("failed", "checked"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
        ("2001:DB8:0:1:0:0:0:1", "2001:db8:0:1::2"),
        ("fe80::1%eth0", "fe80::2"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("unix:", "unix:"),
        ("not an address", "not an address"),
    ],
)
async def test_these_two_are_one_client(addresses: AddressLimiter, failed: str, checked: str) -> None:
    await fail(addresses, failed)
    with pytest.raises(QuotaExceeded):
        await addresses.failed(checked)


@pytest.mark.parametrize(
    ("failed", "checked"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("::1", "127.0.0.1"),
    ],
)
async def test_these_two_are_two_clients(addresses: AddressLimiter, failed: str, checked: str) -> None:
    await fail(addresses, failed)
    await addresses.failed(checked)


async def test_the_address_that_failed_longest_ago_is_forgotten_when_there_are_too_many(
    addresses: AddressLimiter,
) -> None:
    await fail(addresses, "192.0.2.1")
    for number in (2, 3, 4):
        await fail(addresses, f"192.0.2.{number}")
    await addresses.failed("192.0.2.1")
    with pytest.raises(QuotaExceeded):
        await addresses.failed("192.0.2.4")
