"""So many requests at a time, a bounded queue, and owners who take turns."""

import asyncio

import pytest

from nexxi_cli.core.errors import Overloaded
from tests.service.admitted import a_door, settled


async def test_as_many_come_in_as_there_are_places_and_the_others_wait() -> None:
    async with a_door(max_concurrent=2) as door:
        requests = await door.enter_many("ada", 3)
        assert [request.is_inside for request in requests] == [True, True, False]
        assert (door.admission.running, door.admission.waiting) == (2, 1)
        await requests[1].leave()
        assert requests[2].is_inside
        assert (door.admission.running, door.admission.waiting) == (2, 0)


async def test_a_place_tells_how_long_one_has_waited_for_it() -> None:
    async with a_door() as door:
        first, second = await door.enter_many("ada", 2)
        door.clock.now_s += 7
        await first.leave()
        assert (first.queued_s, second.queued_s) == (0, 7)
        assert door.ears.admitted == [("ada 1", 0), ("ada 2", 7)]


async def test_every_change_is_told_once() -> None:
    async with a_door() as door:
        first, second = await door.enter_many("ada", 2)
        third = await door.enter("bob")
        third.task.cancel()
        await settled()
        await first.leave()
        await second.leave()
        assert door.ears.queue == [(1, 0), (1, 1), (1, 2), (1, 1), (1, 0), (0, 0)]


async def test_one_owner_s_requests_keep_their_order() -> None:
    async with a_door() as door:
        await door.enter_many("ada", 5)
        assert await door.served() == [f"ada {number}" for number in range(1, 6)]


async def test_after_a_hundred_of_a_greedy_key_another_s_first_is_next_but_one() -> None:
    async with a_door(max_queue=200) as door:
        await door.enter_many("greedy", 101)
        await door.enter("other", "other 1")
        assert (await door.served())[:4] == ["greedy 1", "greedy 2", "other 1", "greedy 3"]


async def test_owners_who_wait_take_turns() -> None:
    async with a_door() as door:
        for owner, count in {"ada": 4, "bob": 2, "eve": 3}.items():
            await door.enter_many(owner, count)
        order = [request_id[0] for request_id in await door.served()]
        assert "".join(order) == "a" + "abe" + "abe" + "ae"


async def test_an_owner_who_comes_again_comes_after_those_who_have_come_meanwhile() -> None:
    async with a_door() as door:
        first, _ = await door.enter_many("ada", 2)
        await first.leave()
        await door.enter("bob", "bob 1")
        await door.enter("ada", "ada 3")
        assert await door.served() == ["ada 1", "ada 2", "bob 1", "ada 3"]


async def test_beyond_the_queue_a_newcomer_is_refused() -> None:
    async with a_door(max_queue=2) as door:
        *_, last = await door.enter_many("ada", 4)
        assert str(last.refusal) == "too many requests: 1 being answered, 2 waiting; try again in 1 s"
        assert (door.admission.running, door.admission.waiting) == (1, 2)


async def test_without_a_queue_nobody_waits() -> None:
    async with a_door(max_queue=0) as door:
        await door.enter("ada")
        assert (await door.enter("bob")).refusal


async def test_a_newcomer_pushes_the_newest_of_the_greediest_out_of_a_full_queue() -> None:
    async with a_door(max_queue=4) as door:
        greedy = await door.enter_many("greedy", 4)
        ada = await door.enter("ada")
        bob = await door.enter("bob")
        assert "the queue is full, and others have fewer requests" in str(greedy[3].refusal)
        assert [request.task.done() for request in (*greedy[:3], ada, bob)] == [False] * 5
        assert (door.admission.running, door.admission.waiting) == (1, 4)


async def test_those_who_ask_for_the_same_do_not_push_each_other_out() -> None:
    async with a_door(max_concurrent=2, max_queue=4) as door:
        waiting = [await door.enter(owner) for owner in ("ada", "bob", "ada", "bob", "ada", "bob")]
        assert (await door.enter("ada")).refusal
        assert (await door.enter("bob")).refusal
        assert not any(request.task.done() for request in waiting)


async def test_a_newcomer_who_would_then_ask_for_most_is_refused() -> None:
    async with a_door(max_concurrent=2, max_queue=3) as door:
        waiting = [await door.enter(owner) for owner in ("ada", "bob", "ada", "bob", "ada")]
        assert (await door.enter("bob")).refusal
        assert not any(request.task.done() for request in waiting)


async def test_whoever_asks_for_least_gets_even_the_only_place_in_the_queue() -> None:
    async with a_door(max_queue=1) as door:
        first, second = await door.enter_many("greedy", 2)
        other = await door.enter("other")
        assert second.refusal
        assert (await door.enter("greedy")).refusal
        await first.leave()
        assert other.is_inside


async def test_a_greedy_key_that_always_comes_back_cannot_keep_another_out() -> None:
    async with a_door(max_queue=3) as door:
        inside, *_ = await door.enter_many("greedy", 9)
        other = await door.enter("other")
        for _ in range(2):
            await door.enter_many("greedy", 9)
            await inside.leave()
            inside = next(request for request in door.requests if request.is_inside)
            await door.enter_many("greedy", 9)
        assert inside is other


async def test_the_time_to_come_back_goes_by_how_long_places_are_held_and_how_many_wait() -> None:
    async with a_door(max_concurrent=2, max_queue=3) as door:
        inside = await door.enter_many("ada", 2)
        door.clock.now_s += 10
        for request in inside:
            await request.leave()
        await door.enter_many("ada", 5)
        refused = await door.enter("ada")
        assert refused.refusal.retry_after_s == 10 * 4 / 2
        assert str(refused.refusal).endswith("; try again in 20 s")


async def test_newer_times_move_the_time_to_come_back() -> None:
    async with a_door(max_queue=0) as door:
        for held_s in (8, 16):
            request = await door.enter("ada")
            door.clock.now_s += held_s
            await request.leave()
        await door.enter("ada")
        assert (await door.enter("ada")).refusal.retry_after_s == 8 + (16 - 8) / 8


async def test_the_time_to_come_back_is_at_least_a_second() -> None:
    async with a_door(max_queue=0) as door:
        await (await door.enter("ada")).leave()
        await door.enter("ada")
        assert (await door.enter("ada")).refusal.retry_after_s == 1


async def test_an_error_inside_frees_the_place_and_goes_on() -> None:
    async with a_door() as door:
        with pytest.raises(ZeroDivisionError):
            async with door.admission.place("ada", "r1"):
                raise ZeroDivisionError
        assert (await door.enter("ada")).is_inside


async def test_a_closed_door_refuses_newcomers_and_serves_those_who_came_before() -> None:
    async with a_door() as door:
        first, second = await door.enter_many("ada", 2)
        door.admission.close(Overloaded("shutting down", retry_after_s=5))
        refused = await door.enter("bob")
        assert (str(refused.refusal), refused.refusal.retry_after_s) == ("shutting down", 5)
        await first.leave()
        assert second.is_inside
        await second.leave()
        assert (await door.enter("bob")).refusal is not refused.refusal


async def test_it_is_idle_when_nobody_is_inside_or_waits() -> None:
    async with a_door() as door:
        await door.admission.idle()
        first, second = await door.enter_many("ada", 2)
        idle = asyncio.create_task(door.admission.idle())
        await first.leave()
        assert not idle.done()
        await second.leave()
        assert idle.done()


async def test_whoever_waits_for_it_to_be_idle_goes_on_waiting_when_another_has_come() -> None:
    async with a_door() as door:
        async with door.admission.place("ada", "r1"):
            idle = asyncio.create_task(door.admission.idle())
            await settled()
        async with door.admission.place("bob", "r2"):
            await settled()
            assert not idle.done()
        await asyncio.wait_for(idle, timeout=10)
