"""Crew: processes that do the same work on one thing after the other, their results in order."""

import gc
import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from mmap import mmap
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pickle import PickleBuffer
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Tag = TypeVar("Tag")

_ROOMS = 2
"""For each process: the next thing is there when it is done with one."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """One end of a pipe, and the memory that both ends share."""

    end: Connection
    rooms: tuple[memoryview, ...]

    def give(self, room: int, thing: object) -> None:
        """Send a thing by one of the rooms. Raises OSError when the other end is closed."""
        sizes: list[int] = []

        def place(buffer: PickleBuffer) -> bool:
            data, used = buffer.raw(), sum(sizes)
            if used + data.nbytes > len(self.rooms[room]):
                return True  # it goes with the rest
            self.rooms[room][used : used + data.nbytes] = data
            sizes.append(data.nbytes)
            return False

        rest = pickle.dumps(thing, 5, buffer_callback=place)
        self.end.send((room, sizes, rest))

    def take(self) -> tuple[int, Any]:
        """The next thing and the room that it came by. Raises EOFError and OSError when the other end is closed."""
        room, sizes, rest = self.end.recv()
        ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
        buffers = [self.rooms[room][end - size : end] for end, size in zip(ends, sizes, strict=True)]
        return room, pickle.loads(rest, buffers=buffers)  # noqa: S301 - our own process wrote it


_Place = tuple[_Desk, int]


class Crew(Generic[T, R]):
    """`size` forked processes, which inherit `work` as it is; what they take and give is pickled.

    PickleBuffers go through memory that is shared, `room_bytes` for a thing and then its result: through a pipe they
    take a tenth of the time of the fastest work. Those of a thing have to fit; those of a result that do not go through
    the pipe, as all else does.
    """

    def __init__(self, work: Callable[[T], R], size: int, *, room_bytes: int) -> None:
        self._work = work
        self._desks: list[_Desk] = []
        self._processes: list[BaseProcess] = []
        gc.freeze()  # or the first collection in each process copied the pages of all that is here
        context = multiprocessing.get_context("fork")
        for _ in range(size):
            ours, theirs = context.Pipe()
            rooms = tuple(memoryview(mmap(-1, room_bytes)) for _ in range(_ROOMS))
            process = context.Process(target=self._serve, args=(_Desk(theirs, rooms), ours), daemon=True)
            process.start()
            theirs.close()
            self._desks.append(_Desk(ours, rooms))
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for desk in self._desks:
            desk.end.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def results(self, things: Iterable[tuple[Tag, T | None]]) -> Iterator[tuple[Tag, T | None, R | None]]:
        """For each tag and thing the tag, the thing and what became of it. A thing that is None goes to nobody.

        At most two things are with each process. The buffers of a result are good until the next one is asked for.
        Raises what `work` raises.
        """
        coming = iter(things)
        waiting: deque[tuple[Tag, T | None, _Place | None]] = deque()
        free = deque((desk, room) for room in range(_ROOMS) for desk in self._desks)
        self._hand_out(coming, waiting, free)
        while waiting:
            tag, thing, place = waiting.popleft()
            result: R | Exception | None = None if place is None else place[0].take()[1]
            if isinstance(result, Exception):
                raise result
            yield tag, thing, result
            if place is not None:
                free.append(place)
            self._hand_out(coming, waiting, free)

    def _hand_out(
        self,
        coming: Iterator[tuple[Tag, T | None]],
        waiting: "deque[tuple[Tag, T | None, _Place | None]]",
        free: "deque[_Place]",
    ) -> None:
        while free and len(waiting) < _ROOMS * len(self._desks):
            following = next(coming, None)
            if following is None:
                return
            tag, thing = following
            place = None
            if thing is not None:
                place = desk, room = free.popleft()
                desk.give(room, thing)
            waiting.append((tag, thing, place))

    def _serve(self, desk: _Desk, parent_end: Connection) -> None:
        """In the process: work until the other end is closed, also by a death."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent ends us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for inherited in (parent_end, *(other.end for other in self._desks)):
            inherited.close()
        while True:
            try:
                room, thing = desk.take()
            except (EOFError, OSError):
                return
            try:
                result: R | Exception = self._work(thing)
            except Exception as error:  # noqa: BLE001 - the surface of the process: the parent raises it
                result = error
            try:
                desk.give(room, result)
            except OSError:
                return
