"""Requests that hold places until a test lets them go, and who hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from nexxi_cli.core.errors import Overloaded
from nexxi_cli.core.events import Event, QueueChanged, RequestAdmitted
from nexxi_cli.service.admission import Admission
from tests.contracts.limiters import SecondsClock


class Ears:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)

    @property
    def queue(self) -> list[tuple[int, int]]:
        """How many were inside and waiting, change by change."""
        return [(event.running, event.waiting) for event in self.events if isinstance(event, QueueChanged)]

    @property
    def admitted(self) -> list[tuple[str, float]]:
        """Who got a place, and after how many seconds."""
        return [(event.request_id, event.seconds) for event in self.events if isinstance(event, RequestAdmitted)]


class Request:
    """Holds a place until it is let go. `queued_s` is None until it has one."""

    def __init__(self, admission: Admission, owner: str, request_id: str) -> None:
        self._leaving = asyncio.Event()
        self.queued_s: float | None = None
        self.task = asyncio.create_task(self._run(admission, owner, request_id))

    async def _run(self, admission: Admission, owner: str, request_id: str) -> None:
        async with admission.place(owner, request_id) as place:
            self.queued_s = place.queued_s
            await self._leaving.wait()

    @property
    def is_inside(self) -> bool:
        return self.queued_s is not None and not self.task.done()

    @property
    def refusal(self) -> Overloaded:
        """What it was refused with."""
        error = self.task.exception()
        assert isinstance(error, Overloaded)
        return error

    def let_go(self) -> None:
        """It will leave when it is its turn to run."""
        self._leaving.set()

    async def leave(self) -> None:
        self.let_go()
        await settled()


class Door:
    """An Admission, its clock, and the requests before and behind it."""

    def __init__(self, *, max_concurrent: int = 1, max_queue: int = 100) -> None:
        self.clock = SecondsClock()
        self.ears = Ears()
        self.admission = Admission(
            max_concurrent=max_concurrent, max_queue=max_queue, observer=self.ears, clock=self.clock
        )
        self.requests: list[Request] = []

    async def enter(self, owner: str, request_id: str = "r1") -> Request:
        """A request that has got as far as it can: inside, into the queue, or refused."""
        request = Request(self.admission, owner, request_id)
        self.requests.append(request)
        await settled()
        return request

    async def enter_many(self, owner: str, count: int) -> list[Request]:
        return [await self.enter(owner, f"{owner} {number}") for number in range(1, count + 1)]

    async def served(self) -> list[str]:
        """Let everybody in, one after the other; the ids in the order in which they came in."""
        while inside := [request for request in self.requests if request.is_inside]:
            await inside[0].leave()
        return [request_id for request_id, _ in self.ears.admitted]


async def settled() -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def a_door(*, max_concurrent: int = 1, max_queue: int = 100) -> AsyncIterator[Door]:
    """A door whose requests are all cancelled in the end, which leaves nobody behind it; each change is told once."""
    door = Door(max_concurrent=max_concurrent, max_queue=max_queue)
    yield door
    for request in door.requests:
        request.task.cancel()
    await asyncio.gather(*(request.task for request in door.requests), return_exceptions=True)
    assert (door.admission.running, door.admission.waiting) == (0, 0)
    assert all(before != after for before, after in pairwise(door.ears.queue))
