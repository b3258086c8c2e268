"""Where the bytes come from: files and standard input, gzip or not, block by block. Translates their errors."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nexxi_cli.core.errors import NexxiError, NotFound

BLOCK_BYTES = 1 << 18
GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of reading `path`: NotFound, and NexxiError for what is no whole gzip file."""
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise NexxiError(f"{path} is cut short or no gzip file: {str(error).rstrip('.')}") from error
    except OSError as error:
        if error.errno is None:  # gzip.BadGzipFile
            raise NexxiError(f"{path} is cut short or no gzip file: {error}") from error
        raise NotFound(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, for reading. Raises NotFound."""
    with translated(path):
        file = path.open("rb", buffering=0)
    with file:
        yield file


def blocks(file: BinaryIO, path: Path, *, gzipped: bool) -> Iterator[bytes]:
    """What is there, as soon as it is there, a block at most at a time; what gzip unpacks comes in blocks too.

    Raises as `translated`.
    """
    if not gzipped:
        while True:
            with translated(path):
                block = os.read(file.fileno(), BLOCK_BYTES)
            if not block:
                return
            yield block
    import gzip

    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        while True:
            with translated(path):
                block = unpacked.read1(BLOCK_BYTES)
            if not block:
                return
            yield block


def begins(path: Path, size_bytes: int, *, gzipped: bool) -> bytes:
    """The first bytes of a file. Raises as `translated`."""
    with opened(path) as file:
        found = b""
        for block in blocks(file, path, gzipped=gzipped):
            found += block
            if len(found) >= size_bytes:
                break
        return found[:size_bytes]


def is_gzip_name(path: Path) -> bool:
    """Whether the name says that it is gzip."""
    return path.suffix.lower() == ".gz"
