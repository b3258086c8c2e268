"""A log as it grows, across rotation and truncation, as `tail -F` reads it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from nexxi_cli.service.redaction.sources import BLOCK_BYTES, translated

POLL_S = 0.2


def followed(path: Path, *, wait: Callable[[float], bool], note: Callable[[str], None]) -> Iterator[bytes]:
    """The file from its beginning, then what is added; ends when `wait`, which sleeps so many seconds, says False.

    A file that takes its place is read from its beginning, once the old one is read to its end; one that became shorter
    too. One that is missing is waited for. Raises NotFound when it cannot be read.
    """
    descriptor: int | None = None
    said_missing = False
    try:
        while True:
            if descriptor is None:
                descriptor = _open(path)
                if descriptor is None and not said_missing:
                    note(f"{path} is not there; waiting for it")
                said_missing = descriptor is None
            if descriptor is not None:
                with translated(path):
                    yield from _new_blocks(descriptor)
                    if _has_shrunk(descriptor):
                        note(f"{path} was truncated; from its beginning")
                        os.lseek(descriptor, 0, os.SEEK_SET)
                        continue
                    if _was_replaced(path, descriptor):
                        yield from _new_blocks(descriptor)  # what came between the two looks
                        note(f"{path} was replaced; going on with the new file")
                        os.close(descriptor)
                        descriptor = None
                        continue
            if not wait(POLL_S):
                return
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open(path: Path) -> int | None:
    with translated(path):
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None


def _new_blocks(descriptor: int) -> Iterator[bytes]:
    while block := os.read(descriptor, BLOCK_BYTES):
        yield block


def _has_shrunk(descriptor: int) -> bool:
    return os.fstat(descriptor).st_size < os.lseek(descriptor, 0, os.SEEK_CUR)


def _was_replaced(path: Path, descriptor: int) -> bool:
    """A name that is gone for a moment is not: the file that it named may come back, or another one will."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)
