"""What `nexxi redact` reads and where it writes: targets one after the other, standard output, progress."""

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.redact_options import STDIN, RedactOptions
from nexxi_cli.cli.render import note
from nexxi_cli.cli.running import ENDING
from nexxi_cli.core.errors import NexxiError
from nexxi_cli.service.redaction.sources import GZIP_MAGIC, blocks, is_gzip_name, opened, translated

if TYPE_CHECKING:
    from nexxi_cli.cli.progress import TerminalProgress

Write = Callable[[bytes | memoryview], None]

SHOWN_FROM_BYTES = 1 << 24
"""A smaller file is done before a bar would be seen."""


@dataclass(frozen=True, slots=True)
class Target:
    """One text to read."""

    path: Path
    gzipped: bool = False

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""
        return self.path == STDIN

    @property
    def name(self) -> str:
        """As a linter names it."""
        return "<stdin>" if self.is_stdin else str(self.path)


def targets(options: RedactOptions, unreadable: Callable[[NexxiError], object]) -> Iterator[Target]:
    """All that is to be read, in order. Raises NotFound for the first file that is missing, before it gives any.

    `unreadable` hears of what is found below folders and cannot be read.
    """
    for path in options.paths:
        if path != STDIN and not options.follow:
            with translated(path):
                path.stat()
    for path in options.paths:
        if options.recursive and path != STDIN and path.is_dir():
            yield from _below(path, options, unreadable)
        else:
            yield Target(path, gzipped=path != STDIN and is_gzip_name(path))


def _below(root: Path, options: RedactOptions, unreadable: Callable[[NexxiError], object]) -> Iterator[Target]:
    from nexxi_cli.service.redaction.encodings import SNIFFED_BYTES, is_binary
    from nexxi_cli.service.redaction.sources import begins
    from nexxi_cli.service.redaction.walking import Globs, files_below

    for path in files_below(root, Globs(options.include, options.exclude), unreadable=unreadable):
        gzipped = is_gzip_name(path)
        try:
            begin = begins(path, SNIFFED_BYTES, gzipped=gzipped)
        except NexxiError as error:
            unreadable(error)
            continue
        if is_binary(begin):
            note(f"{path} is binary and left out", quiet=options.quiet)
        else:
            yield Target(path, gzipped=gzipped)


def end_cleanly() -> None:
    """A signal that ends the process lets what was begun be taken away first: no half-written file stays."""
    for number in ENDING:
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise typer.Exit(128 + number)


class Reader:
    """The bytes of targets, with a bar on a terminal for those that take long."""

    def __init__(self, options: RedactOptions) -> None:
        self._options = options

    def blocks(self, target: Target) -> Iterator[bytes]:
        """What is there, as soon as it is there. Raises NotFound and NexxiError."""
        if target.is_stdin:
            yield from self._standard_input()
            return
        if self._options.follow:
            from nexxi_cli.cli.redact_follow import follow

            yield from follow(target.path, quiet=self._options.quiet)
            return
        with opened(target.path) as file:
            progress = self._progress(target.path)
            done = 0
            try:
                for block in blocks(file, target.path, gzipped=target.gzipped):
                    if progress is not None:
                        at = file.tell()
                        progress.advance(at - done)
                        done = at
                    yield block
            finally:
                if progress is not None:
                    progress.done()

    def _standard_input(self) -> Iterator[bytes]:
        if sys.stdin.isatty():
            note("reading standard input: type the text, Ctrl-D ends it", quiet=self._options.quiet)
        stdin = sys.stdin.buffer
        assert isinstance(stdin, BufferedReader)
        gzipped = self._options.gzip and stdin.peek(2)[:2] == GZIP_MAGIC
        if self._options.gzip and not gzipped:
            yield stdin.read1()
        yield from blocks(stdin, Path("standard input"), gzipped=gzipped)

    def _progress(self, path: Path) -> "TerminalProgress | None":
        if self._options.quiet or not sys.stderr.isatty() or (sys.stdout.isatty() and self._options.prints_text):
            return None
        size_bytes = path.stat().st_size
        if size_bytes < SHOWN_FROM_BYTES:
            return None
        from nexxi_cli.cli.progress import TerminalProgress

        progress = TerminalProgress()
        progress.step(path.name, size_bytes)
        return progress


class StandardOutput:
    """Takes what is printed, and has it out at once, so that a line goes on when it comes."""

    def __init__(self, *, gzipped: bool) -> None:
        self._gzip = None
        if gzipped:
            import gzip

            self._gzip = gzip.GzipFile(fileobj=sys.stdout.buffer, mode="wb", compresslevel=6, mtime=0)

    def write(self, data: bytes | memoryview) -> None:
        """Print."""
        if self._gzip is not None:
            self._gzip.write(data)
        elif data:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def end(self) -> None:
        """Nothing follows."""
        if self._gzip is not None:
            self._gzip.close()
        sys.stdout.buffer.flush()
