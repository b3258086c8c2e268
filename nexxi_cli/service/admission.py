"""Admission: a bounded number of requests at work, a bounded queue before them. Knows whose turn is next.

Owners who wait take turns, each owner's requests in their order (Demers, Keshav and Shenker 1989, "Analysis and
simulation of a fair queueing algorithm"). A full queue drops the newest of the owner who asks for most, the newcomer
included (McKenney 1990, "Stochastic fairness queueing"). So no owner starves or locks out another.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nexxi_cli.core.errors import Overloaded
from nexxi_cli.core.events import QueueChanged, RequestAdmitted
from nexxi_cli.core.ports import Observer

NEWEST_SHARE = 1 / 8  # of a moving average of times, as in RFC 6298, section 2


@dataclass(frozen=True, slots=True)
class Place:
    """One of the places, and how long its holder has waited for it."""

    queued_s: float


Turn = asyncio.Future[Overloaded | None]  # what one waits for: None is a place, which one has then, else it is raised


class Admission:
    """Places for requests, for one event loop."""

    def __init__(
        self, *, max_concurrent: int, max_queue: int, observer: Observer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_concurrent = max_concurrent
        self._max_queue = max_queue
        self._observer = observer
        self._clock = clock
        self._inside: Counter[str] = Counter()
        self._lines: dict[str, deque[Turn]] = {}  # by owner; the owner whose turn is next comes first
        self._held_s: float | None = None
        self._closed: Overloaded | None = None
        self._told = QueueChanged(0, 0)
        self._empty = asyncio.Event()

    @property
    def running(self) -> int:
        """How many places are taken."""
        return self._inside.total()

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return sum(not turn.done() for line in self._lines.values() for turn in line)

    @asynccontextmanager
    async def place(self, owner: str, request_id: str) -> AsyncIterator[Place]:
        """Hold a place, once it is this request's turn. Raises Overloaded, while it waits too."""
        came = self._clock()
        if self._closed is not None:
            raise Overloaded(str(self._closed), retry_after_s=self._closed.retry_after_s)
        if self.running < self._max_concurrent:
            self._inside[owner] += 1
            self._tell()
        else:
            await self._wait_for_turn(owner)
        began = self._clock()
        self._observer.notify(RequestAdmitted(request_id, began - came))
        try:
            yield Place(began - came)
        finally:
            held_s = self._clock() - began
            self._held_s = held_s if self._held_s is None else self._held_s + NEWEST_SHARE * (held_s - self._held_s)
            self._leave(owner)

    def close(self, error: Overloaded) -> None:
        """Refuse newcomers with an error like this one; those who are inside or wait go on."""
        self._closed = error

    async def idle(self) -> None:
        """Wait until nobody is inside or waits."""
        while self.running or self.waiting:
            self._empty.clear()
            await self._empty.wait()

    async def _wait_for_turn(self, owner: str) -> None:
        self._make_room(owner)
        turn: Turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(owner, deque()).append(turn)
        self._tell()
        try:
            refusal = await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._tell()
            elif turn.result() is None:  # cancelled in the moment of the hand-over
                self._leave(owner)
            raise
        if refusal is not None:
            raise refusal

    def _make_room(self, owner: str) -> None:
        """Push out a waiter of the owner who asks for most, if this one asks for less. Raises Overloaded."""
        self._forget_cancelled()
        if self.waiting < self._max_queue:
            return
        greediest = max(self._lines, key=self._asked, default=owner)
        if self._asked(owner) + 1 >= self._asked(greediest):
            raise self._overloaded(f"too many requests: {self.running} being answered, {self.waiting} waiting")
        self._lines[greediest].pop().set_result(self._overloaded("the queue is full, and others have fewer requests"))

    def _leave(self, owner: str) -> None:
        """Free a place of this owner's and give it to whose turn it is."""
        self._inside -= Counter((owner,))
        self._forget_cancelled()
        if self._lines:
            owner = next(iter(self._lines))
            self._lines[owner] = line = self._lines.pop(owner)  # behind the others
            line.popleft().set_result(None)
            self._inside[owner] += 1
        self._tell()

    def _forget_cancelled(self) -> None:
        """Keep only those in the lines who still wait."""
        pending = {owner: deque(turn for turn in line if not turn.done()) for owner, line in self._lines.items()}
        self._lines = {owner: line for owner, line in pending.items() if line}

    def _asked(self, owner: str) -> int:
        """How many requests an owner has inside and waiting."""
        return self._inside[owner] + len(self._lines.get(owner, ()))

    def _overloaded(self, reason: str) -> Overloaded:
        """Try again when the queue that there is now will be gone, going by how long places were held of late."""
        retry_after_s = max(1.0, (self._held_s or 0.0) * (self.waiting + 1) / self._max_concurrent)
        return Overloaded(f"{reason}; try again in {math.ceil(retry_after_s)} s", retry_after_s=retry_after_s)

    def _tell(self) -> None:
        """Notify the observer of a change, and `idle` of the end."""
        now = QueueChanged(self.running, self.waiting)
        if now != self._told:
            self._told = now
            self._observer.notify(now)
        if not (now.running or now.waiting):
            self._empty.set()
