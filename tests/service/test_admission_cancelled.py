"""Requests that are given up while they wait, in the moment of their turn, and inside: no place is lost."""

import asyncio
from random import Random

import pytest

from nexxi_cli.core.errors import Overloaded
from tests.service.admitted import Door, a_door, settled


async def test_a_waiter_who_gives_up_leaves_at_once() -> None:
    async with a_door(max_queue=2) as door:
        first, second, third = await door.enter_many("ada", 3)
        second.task.cancel()
        assert door.admission.waiting == 1
        await first.leave()
        assert second.task.cancelled()
        assert third.is_inside


async def test_the_room_of_a_waiter_who_gives_up_is_free_at_once() -> None:
    async with a_door(max_queue=1) as door:
        _, second = await door.enter_many("ada", 2)
        second.task.cancel()
        third = await door.enter("ada")
        assert not third.task.done()


async def test_a_place_freed_in_the_moment_that_a_waiter_gives_up_goes_to_the_next() -> None:
    async with a_door() as door:
        first, second, third = await door.enter_many("ada", 3)
        first.let_go()
        second.task.cancel()  # both are to run now, the first one first
        await settled()
        assert second.task.cancelled()
        assert third.is_inside


@pytest.mark.parametrize("owners", [["ada", "ada"], ["bob", "eve"]])
async def test_a_place_handed_to_a_waiter_who_is_given_up_before_he_runs_goes_to_the_next(owners: list[str]) -> None:
    async with a_door() as door:
        async with door.admission.place("ada", "r1"):
            second, third = [await door.enter(owner) for owner in owners]
        assert (door.admission.running, door.admission.waiting) == (1, 1)  # the place is his, and he has not run yet
        second.task.cancel()
        await settled()
        assert second.task.cancelled()
        assert third.is_inside


async def test_a_place_handed_to_the_last_waiter_who_is_given_up_before_he_runs_is_free() -> None:
    async with a_door() as door:
        async with door.admission.place("ada", "r1"):
            second = await door.enter("ada")
        second.task.cancel()
        await settled()
        assert (door.admission.running, door.admission.waiting) == (0, 0)
        assert door.ears.queue[-1] == (0, 0)


async def test_a_waiter_who_is_pushed_out_and_given_up_at_once_just_leaves() -> None:
    async with a_door(max_queue=2) as door:
        *_, pushed = await door.enter_many("greedy", 3)
        entering = asyncio.create_task(door.enter("other"))
        await asyncio.sleep(0)
        pushed.task.cancel()
        await entering
        assert pushed.task.cancelled()
        assert (door.admission.running, door.admission.waiting) == (1, 2)


async def test_a_waiter_who_has_just_given_up_is_not_the_one_who_is_pushed_out() -> None:
    async with a_door(max_queue=3) as door:
        *_, pushed, gone = await door.enter_many("greedy", 4)
        gone.task.cancel()
        await asyncio.gather(door.enter("ada"), door.enter("bob"))
        assert gone.task.cancelled()
        assert pushed.refusal
        assert (door.admission.running, door.admission.waiting) == (1, 3)


async def test_a_request_that_is_given_up_inside_frees_its_place() -> None:
    async with a_door() as door:
        first, second = await door.enter_many("ada", 2)
        first.task.cancel()
        await settled()
        assert second.is_inside


async def test_a_deadline_ends_the_wait() -> None:
    async with a_door() as door:
        await door.enter("ada")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), door.admission.place("bob", "r2"):
                raise AssertionError("there is no place")
        assert door.admission.waiting == 0


class Crowd:
    """A thousand requests of a few owners, some of which are given up at any point or fail inside."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.door = Door(max_concurrent=self.random.randint(1, 4), max_queue=self.random.randint(0, 40))
        self.max_concurrent, self.max_queue = self.door.admission._max_concurrent, self.door.admission._max_queue
        self.inside = self.most_inside = self.most_waiting = 0
        self.ends: dict[str, int] = {}

    async def request(self, number: int) -> None:
        await self.passes(300)
        owner = self.random.choice(["greedy"] * 8 + ["ada", "bob"])
        try:
            async with self.door.admission.place(owner, str(number)):
                self.inside += 1
                self.most_inside = max(self.most_inside, self.inside)
                try:
                    await self.passes(4)
                    if self.random.random() < 0.1:
                        raise ZeroDivisionError
                finally:
                    self.inside -= 1
            end = "served"
        except (Overloaded, ZeroDivisionError, asyncio.CancelledError) as error:
            end = type(error).__name__
        self.ends[end] = self.ends.get(end, 0) + 1

    async def passes(self, most: int) -> None:
        """Let the others run a few times."""
        for _ in range(self.random.randint(0, most)):
            await asyncio.sleep(0)

    async def run(self) -> None:
        tasks = [asyncio.create_task(self.request(number)) for number in range(1000)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            self.door.clock.now_s += 0.1
            self.most_waiting = max(self.most_waiting, self.door.admission.waiting)
            assert self.inside <= self.door.admission.running <= self.max_concurrent
            running = [task for task in tasks if not task.done()]
            if running and self.random.random() < 0.5:
                self.random.choice(running).cancel()


@pytest.mark.parametrize("seed", range(20))
async def test_a_thousand_requests_given_up_at_any_point_keep_the_bounds_and_leave_all_places_free(seed: int) -> None:
    crowd = Crowd(seed)
    await crowd.run()
    admission = crowd.door.admission
    assert (admission.running, admission.waiting) == (0, 0)
    assert admission._lines == {} == admission._inside
    assert crowd.most_inside == crowd.max_concurrent
    assert crowd.most_waiting <= crowd.max_queue
    assert crowd.ends["served"] > 50
    assert crowd.door.ears.queue[-1] == (0, 0)
    await asyncio.wait_for(admission.idle(), timeout=10)
    again = [await crowd.door.enter("ada") for _ in range(crowd.max_concurrent)]
    assert all(request.is_inside for request in again)
    for request in again:
        await request.leave()
