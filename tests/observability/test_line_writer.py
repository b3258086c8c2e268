"""Whoever logs never waits for whoever reads."""

import io
import subprocess
import sys
from threading import Event

from nexxi_cli.observability.line_writer import LineWriter


class StuckStream(io.StringIO):
    """A stream that takes nothing until its reader goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = Event()
        self.reader_goes_on = Event()

    def write(self, text: str) -> int:
        self.asked.set()
        self.reader_goes_on.wait()
        return super().write(text)


class BrokenStream(io.StringIO):
    """A pipe without a reader, for the first write."""

    is_broken = True

    def write(self, text: str) -> int:
        if self.is_broken:
            self.is_broken = False
            raise BrokenPipeError
        return super().write(text)


def lost_line(count: int) -> str:
    return f"lost {count}"


def test_lines_come_out_in_their_order() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream, lost_line)
    for number in range(1000):
        writer.write(f"{number}\n")
    writer.drain()
    assert stream.getvalue() == "".join(f"{number}\n" for number in range(1000))
    writer.stop()


def test_a_reader_who_stops_holds_up_nobody_and_what_was_dropped_is_counted() -> None:
    stream = StuckStream()
    writer = LineWriter(stream, lost_line, most_waiting=3)
    writer.write("first\n")
    stream.asked.wait()
    for number in range(10):
        writer.write(f"{number}\n")
    stream.reader_goes_on.set()
    writer.drain()
    assert stream.getvalue() == "first\n0\n1\n2\nlost 7\n"
    writer.stop()


def test_waiting_for_a_reader_who_has_stopped_ends_in_time() -> None:
    stream = StuckStream()
    writer = LineWriter(stream, lost_line)
    writer.write("first\n")
    writer.drain(timeout_s=0.01)
    assert stream.getvalue() == ""
    stream.reader_goes_on.set()
    writer.stop()
    assert stream.getvalue() == "first\n"


def test_a_write_that_fails_does_not_end_the_log() -> None:
    stream = BrokenStream()
    writer = LineWriter(stream, lost_line)
    writer.write("into nothing\n")
    writer.drain()
    writer.write("next\n")
    writer.stop()
    assert stream.getvalue() == "next\n"


def test_lines_are_written_before_the_process_ends() -> None:
    code = (
        "from nexxi_cli.observability.logs import *; from tests.observability.requests import served\n"
        "log_to(level='INFO'); [LogObserver().notify(served(request_id=str(n))) for n in range(200)]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.rpartition("=")[2] for line in done.stderr.splitlines()] == [str(number) for number in range(200)]
