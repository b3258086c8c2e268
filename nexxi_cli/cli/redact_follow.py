"""`nexxi redact --follow`: waits for a log to grow, until it is told to end or nobody reads any more."""

import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import typer

from nexxi_cli.cli.render import note
from nexxi_cli.service.redaction.following import followed


class _Ending:
    """Whether it is time to end: after a signal, or when the reader of standard output is gone."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._reader = select.poll()
        self._reader.register(sys.stdout.fileno(), 0)  # errors and the hang-up of a pipe only

    def take(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal."""
        self.signal = number

    def wait(self, seconds: float) -> bool:
        """Sleep, less if it is time to end; False when it is."""
        is_gone = bool(self._reader.poll(seconds * 1000))
        return not is_gone and self.signal is None


def follow(path: Path, *, quiet: bool) -> Iterator[bytes]:
    """The file as it grows. Raises typer.Exit with 128 and the signal's number once the caller has all of it."""
    ending = _Ending()
    before = {number: signal.signal(number, ending.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield from followed(path, wait=ending.wait, note=lambda line: note(line, quiet=quiet))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if ending.signal is not None:
        raise typer.Exit(128 + ending.signal)
