"""Lines on their way to a stream that may be slow: they are written by a thread, so that nobody waits for a reader."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TextIO

MOST_WAITING = 10_000
"""Lines that wait for a reader, about 3 MB; what comes on top is dropped, counted, and told of in one line."""

GATHER_S = 0.005
"""How long a line waits for others: a thread that woke for each would take the interpreter from who writes them."""

STOP_S = 5.0
"""How long the end waits for a reader who has stopped to read."""


class LineWriter:
    """A sink for Loguru. It has no method `flush`, which Loguru would call after each line."""

    def __init__(self, stream: TextIO, lost_line: Callable[[int], str], *, most_waiting: int = MOST_WAITING) -> None:
        """`lost_line` makes the line that tells how many were dropped."""
        self._stream = stream
        self._lost_line = lost_line
        self._most_waiting = most_waiting
        self._lost = 0
        self._waiting: SimpleQueue[str | Event | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Take a line, which ends with a newline; returns at once. Loguru calls it for one line at a time."""
        if self._waiting.qsize() >= self._most_waiting:
            self._lost += 1
            return
        self._tell_of_lost()
        self._waiting.put(str(line))  # Loguru's own str would keep the whole record alive

    def drain(self, timeout_s: float = STOP_S) -> None:
        """Wait until all that has been taken is written, or the time is over."""
        self._tell_of_lost()
        written = Event()
        self._waiting.put(written)
        written.wait(timeout_s)

    def stop(self) -> None:
        """Write what is left and end the thread; Loguru calls it when the sink is removed, and at exit."""
        self._tell_of_lost()
        self._waiting.put(None)
        self._thread.join(STOP_S)

    def _tell_of_lost(self) -> None:
        if self._lost:
            self._waiting.put(self._lost_line(self._lost) + "\n")
            self._lost = 0

    def _run(self) -> None:
        is_open = True
        while is_open:
            lines: list[str] = []
            waiters: list[Event] = []
            for item in self._taken():
                if isinstance(item, str):
                    lines.append(item)
                elif item is None:
                    is_open = False
                else:
                    waiters.append(item)
            self._write("".join(lines))
            for waiter in waiters:
                waiter.set()

    def _taken(self) -> list[str | Event | None]:
        """All that waits, at least one."""
        taken = [self._waiting.get()]
        if isinstance(taken[0], str):
            time.sleep(GATHER_S)
        try:
            while len(taken) <= self._most_waiting:
                taken.append(self._waiting.get_nowait())
        except Empty:
            pass
        return taken

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the reader is gone, or the stream closed: there is nobody left to tell
            return
