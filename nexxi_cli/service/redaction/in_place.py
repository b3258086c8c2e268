"""InPlace: a file that takes another's place at once and whole, or not at all."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from nexxi_cli.core.errors import OutOfSpace, UsageError

if TYPE_CHECKING:
    from gzip import GzipFile


class InPlace:
    """What is to replace the file at `path`, written beside it. A symbolic link stays, the file behind it is replaced.

    Mode, owner, and attributes stay; a hard link to the old file keeps the old content. Every method raises OutOfSpace,
    which says that the original is whole.
    """

    def __init__(self, path: Path, *, gzipped: bool = False) -> None:
        """`gzipped`: what is written gets packed. Raises UsageError for what is no regular file."""
        self._path = path
        self._target = path.resolve()
        self._committed = False
        with self._translated():
            self._before = self._target.stat()
            if not stat.S_ISREG(self._before.st_mode):
                raise UsageError(f"{path} is no regular file: --in-place cannot replace it")
        self._written = self._target.parent / f".{self._target.name[:100]}.{token_hex(8)}.redacting"
        self._gzipped = gzipped

    def __enter__(self) -> Self:
        """Begin. A signal that ends the process here leaves nothing: the name is known before there is a file."""
        with self._translated():
            try:
                self._file = open(self._written, "xb", opener=_for_this_user)
                self._packed = _packed(self._file) if self._gzipped else None
            except BaseException:
                self._written.unlink(missing_ok=True)
                raise
        return self

    def write(self, data: bytes | memoryview) -> None:
        """Add to what is to be."""
        with self._translated():
            (self._packed or self._file).write(data)

    def commit(self) -> None:
        """Take the place, once all is on the disk."""
        with self._translated():
            if self._packed is not None:
                self._packed.close()
            descriptor = self._file.fileno()
            self._file.flush()
            shutil.copystat(self._target, self._written)
            os.utime(self._written)
            os.fchown(descriptor, self._before.st_uid, self._before.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(self._before.st_mode))  # fchown takes set-user-ID away
            os.fsync(descriptor)
            self._file.close()
            self._written.replace(self._target)
            self._committed = True
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._committed:
            with suppress(OSError):  # what is in the buffer finds no room either
                self._file.close()
            self._written.unlink(missing_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            state = "was replaced" if self._committed else "stays as it was"
            raise OutOfSpace(f"{self._path} {state}: {error.strerror or error}") from error


def _for_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _packed(file: BinaryIO) -> "GzipFile":
    from gzip import GzipFile

    return GzipFile("", "wb", fileobj=file, mtime=0)
