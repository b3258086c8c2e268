"""How long an engine stays."""

import asyncio

from nexxi_cli.infrastructure.warm.lease import Lease


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_runs_out_when_nobody_comes() -> None:
    clock = Clock()
    lease = Lease(10, clock=clock)
    clock.now = 4
    assert lease.left_s == 6
    clock.now = 11
    assert lease.left_s == 0


def test_it_does_not_run_out_while_it_is_used_and_begins_anew_afterwards() -> None:
    clock = Clock()
    lease = Lease(10, clock=clock)
    with lease.used():
        clock.now = 100
        assert lease.left_s == 10
        with lease.used():
            pass
        clock.now = 200
        assert lease.left_s == 10
    clock.now = 205
    assert lease.left_s == 5


def test_it_can_be_made_longer_but_not_shorter() -> None:
    clock = Clock()
    lease = Lease(10, clock=clock)
    clock.now = 5
    lease.extend(3)
    assert lease.left_s == 10
    lease.extend(60)
    assert lease.left_s == 60


async def test_its_end_is_waited_for_through_all_uses() -> None:
    lease = Lease(0.05)
    waiting = asyncio.create_task(lease.over())
    with lease.used():
        await asyncio.sleep(0.12)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def test_it_can_be_ended_at_any_time() -> None:
    lease = Lease(1000)
    with lease.used():
        waiting = asyncio.create_task(lease.over())
        await asyncio.sleep(0)
        lease.end()
        await asyncio.wait_for(waiting, 5)
