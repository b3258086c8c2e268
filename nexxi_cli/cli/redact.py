"""`nexxi redact`: takes personal data out of files and pipes, and leaves every other byte as it is."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from nexxi_cli.cli.options import DebugFlag, QuietFlag
from nexxi_cli.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections import Counter

    from nexxi_cli.service.safety import SafetyFilter
    from nexxi_cli.service.stream_guard import StreamGuard

FOUND = 3
"""Exit code of --check, as of a text that the safety filter refuses."""

_CHUNK_BYTES = 1 << 16
_STDIN = Path("-")


def redact(
    files: Annotated[list[Path] | None, typer.Argument(help="Files; - or none: standard input.")] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Print no text; exit 3 when anything is found.")] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Instead of the text, the findings: a line of JSON a file, offsets in characters."
        ),
    ] = False,
    types: Annotated[str | None, typer.Option("--types", help="Only these types: EMAIL,PHONE,...")] = None,
    skip: Annotated[str | None, typer.Option("--skip", help="All types but these.")] = None,
    quiet: QuietFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Replace personal data by placeholders such as <EMAIL>, from standard input to standard output."""
    from collections import Counter

    from nexxi_cli.cli.render import note
    from nexxi_cli.wiring import safety_filter

    if check and report:
        raise UsageError("--check and --report exclude each other")
    safety = _limited(safety_filter(injection="off"), only=types, skip=skip)
    paths = files or [_STDIN]
    _look_for([path for path in paths if path != _STDIN])
    counts: Counter[str] = Counter()
    for path in paths:
        with _opened(path, quiet=quiet) as file:
            if report:
                _report(safety, file, counts)
            else:
                _redact(safety, file, counts, silent=check)
    if counts:
        found = ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))
        note(f"{'redacted' if not (check or report) else 'found'}: {found}", quiet=quiet)
    if check and counts:
        raise typer.Exit(FOUND)


def _limited(safety: "SafetyFilter", *, only: str | None, skip: str | None) -> "SafetyFilter":
    wanted = _types(only, safety.types) if only is not None else safety.types
    unwanted = _types(skip, safety.types) if skip is not None else frozenset()
    return safety.only(wanted - unwanted)


def _types(names: str, known: frozenset[str]) -> frozenset[str]:
    chosen = frozenset(name.strip().upper() for name in names.split(",") if name.strip())
    for name in sorted(chosen - known):
        raise UsageError(f"{name} is not a type; there are {', '.join(sorted(known))}")
    return chosen


def _redact(safety: "SafetyFilter", file: BinaryIO, counts: "Counter[str]", *, silent: bool) -> None:
    guard = safety.stream_guard(on_finding=lambda finding: counts.update((finding.type,)))
    for text in _guarded(guard, file):
        if text and not silent:
            sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
            sys.stdout.buffer.flush()


def _report(safety: "SafetyFilter", file: BinaryIO, counts: "Counter[str]") -> None:
    import json
    from dataclasses import asdict

    guard = safety.stream_guard()
    for _ in _guarded(guard, file):
        pass
    counts.update(finding.type for finding in guard.findings)
    typer.echo(json.dumps({"findings": [asdict(finding) for finding in guard.findings]}))


def _guarded(guard: "StreamGuard", file: BinaryIO) -> Iterator[str]:
    """The file's text as far as it is settled, each time something came. Bytes that are not UTF-8 are surrogates."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while chunk := os.read(file.fileno(), _CHUNK_BYTES):  # what is there, so that a line goes on when it comes
        yield guard.push(decoder.decode(chunk))
    yield guard.push(decoder.decode(b"", final=True)) + guard.finish()


def _look_for(paths: Sequence[Path]) -> None:
    """Raises NotFound for the first that is missing, before anything is printed."""
    for path in paths:
        with _translated(path):
            path.stat()


@contextmanager
def _opened(path: Path, *, quiet: bool) -> Iterator[BinaryIO]:
    if path == _STDIN:
        if sys.stdin.isatty():
            from nexxi_cli.cli.render import note

            note("reading standard input: type the text, Ctrl-D ends it", quiet=quiet)
        yield sys.stdin.buffer
        return
    with _translated(path):
        file = path.open("rb")
    with file:
        yield file


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from error
