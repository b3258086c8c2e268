"""Crew: processes that do the same work on one thing after the other, their results in order."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Tag = TypeVar("Tag")


class Crew(Generic[T, R]):
    """`size` forked processes, which inherit `work` as it is; what they take and give is pickled."""

    def __init__(self, work: Callable[[T], R], size: int) -> None:
        self._work = work
        self._ends: list[Connection] = []
        self._processes: list[BaseProcess] = []
        context = multiprocessing.get_context("fork")
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=self._serve, args=(theirs, ours), daemon=True)
            process.start()
            theirs.close()
            self._ends.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def results(self, things: Iterable[tuple[Tag, T | None]]) -> Iterator[tuple[Tag, T | None, R | None]]:
        """For each tag and thing the tag, the thing and what became of it. A thing that is None goes to nobody.

        At most one thing is with each process, which has the next one before its result is given on. Raises what
        `work` raises.
        """
        coming = iter(things)
        waiting: deque[tuple[Tag, T | None, Connection | None]] = deque()
        free = deque(self._ends)
        self._hand_out(coming, waiting, free)
        while waiting:
            tag, thing, end = waiting.popleft()
            result: R | Exception | None = None
            if end is not None:
                result = end.recv()
                free.append(end)
            if isinstance(result, Exception):
                raise result
            self._hand_out(coming, waiting, free)
            yield tag, thing, result

    def _hand_out(
        self,
        coming: Iterator[tuple[Tag, T | None]],
        waiting: "deque[tuple[Tag, T | None, Connection | None]]",
        free: "deque[Connection]",
    ) -> None:
        while free and len(waiting) <= len(self._ends):
            following = next(coming, None)
            if following is None:
                return
            tag, thing = following
            end = None if thing is None else free.popleft()
            if end is not None:
                end.send(thing)
            waiting.append((tag, thing, end))

    def _serve(self, end: Connection, parent_end: Connection) -> None:
        """In the process: work until the other end is closed, also by a death."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent ends us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for inherited in (parent_end, *self._ends):
            inherited.close()
        while True:
            try:
                thing: T = end.recv()
            except (EOFError, OSError):
                return
            try:
                result: R | Exception = self._work(thing)
            except Exception as error:  # noqa: BLE001 - the surface of the process: the parent raises it
                result = error
            try:
                end.send(result)
            except OSError:
                return
