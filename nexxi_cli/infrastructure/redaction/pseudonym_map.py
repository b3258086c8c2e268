"""PseudonymMap: placeholders and originals in an encrypted file that several processes share.

The file is a line that names the format, 16 random bytes, and records: a length of 4 bytes, a nonce of 12, and JSON
under AES-256-GCM, bound to the file and to its place in it. The first record has no entries: who cannot open it has the
wrong key. Records are only ever appended, under flock(2); one that a crash cut short is cut off by the next writer.
"""

import fcntl
import json
import os
import secrets
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nexxi_cli.core.errors import NexxiError, NotAuthorised, NotFound, OutOfSpace, UsageError

Entries = Sequence[tuple[str, str]]

_MAGIC = b"nexxi pseudonyms 1\n"
_SALT_BYTES = 16
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random; 2**32 records may be written
_LENGTH = struct.Struct(">I")


class PseudonymMap:
    """A PseudonymLedger in one file (0600), which is made by the first `begin`."""

    def __init__(self, path: Path, key: bytes) -> None:
        """`key`: 32 bytes."""
        self._path = path
        self._cipher = AESGCM(key)
        self._descriptor: int | None = None
        self._salt = b""
        self._read_to = 0

    def begin(self) -> Entries:
        """Take the lock; what others added since the last call. Raises as the port says; UsageError: it is no map."""
        with self._translated():
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                os.fchmod(self._descriptor, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            size = os.fstat(self._descriptor).st_size
            if size < len(_MAGIC) + _SALT_BYTES and (_MAGIC + bytes(16)).startswith(self._at(0, size)[: len(_MAGIC)]):
                self._start()
            entries = [entry for record in self._records(self._descriptor) for entry in record]
            if os.fstat(self._descriptor).st_size > self._read_to:
                os.ftruncate(self._descriptor, self._read_to)
        return entries

    def commit(self, entries: Entries) -> None:
        """Append the entries as one record, and let go of the lock."""
        assert self._descriptor is not None
        with self._translated():
            try:
                if entries:
                    self._append(entries)
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def read(self) -> Entries:
        """What was added since the last call, without the lock. Raises NotFound, NotAuthorised, UsageError."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFound(f"there is no map {self._path}") from error
        except OSError as error:
            raise NotFound(f"the map {self._path} cannot be read: {error.strerror}") from error
        try:
            with self._translated():
                return [entry for record in self._records(descriptor) for entry in record]
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Have what was written on the disk before a file that holds its placeholders takes its original's place."""
        if self._descriptor is not None:
            with self._translated():
                os.fsync(self._descriptor)

    def _start(self) -> None:
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._read_to = len(_MAGIC) + _SALT_BYTES
        self._write(0, _MAGIC + self._salt)
        self._append(())

    def _append(self, entries: Entries) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps(entries).encode()  # escapes the surrogates of bytes that are not UTF-8
        sealed = nonce + self._cipher.encrypt(nonce, plain, self._bound_to(self._read_to))
        record = _LENGTH.pack(len(sealed)) + sealed
        self._write(self._read_to, record)
        self._read_to += len(record)

    def _write(self, at: int, data: bytes) -> None:
        """All of it, or the file as it was."""
        assert self._descriptor is not None
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._descriptor, data[done:], at + done)
        except OSError:
            os.ftruncate(self._descriptor, at)
            raise

    def _records(self, descriptor: int) -> Iterator[Entries]:
        """Those that were not read yet, as far as they are whole."""
        size = os.fstat(descriptor).st_size
        if not self._read_to:
            begin = os.pread(descriptor, len(_MAGIC) + _SALT_BYTES, 0)
            if not begin and size == 0:
                return  # another process is about to begin it
            if not begin.startswith(_MAGIC) or len(begin) < len(_MAGIC) + _SALT_BYTES:
                raise UsageError(f"{self._path} is not a map of `nexxi redact`; name another file")
            self._salt, self._read_to = begin[len(_MAGIC) :], len(begin)
        while (record := self._record(descriptor, size)) is not None:
            yield record

    def _record(self, descriptor: int, size: int) -> Entries | None:
        start = self._read_to + _LENGTH.size
        if start > size:
            return None
        (length,) = _LENGTH.unpack(os.pread(descriptor, _LENGTH.size, self._read_to))
        if start + length > size:
            return None
        sealed = os.pread(descriptor, length, start)
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound_to(self._read_to))
        except (InvalidTag, ValueError) as error:
            if self._read_to == len(_MAGIC) + _SALT_BYTES:
                raise NotAuthorised(
                    f"the key does not open the map {self._path}; give its own with --key-file or NEXXI_REDACT_KEY"
                ) from error
            raise NexxiError(f"the map {self._path} is damaged at byte {self._read_to}; restore it") from error
        self._read_to = start + length
        return [(placeholder, value) for placeholder, value in json.loads(plain)]

    def _bound_to(self, at: int) -> bytes:
        return self._salt + at.to_bytes(8, "big")

    def _at(self, start: int, size: int) -> bytes:
        assert self._descriptor is not None
        return os.pread(self._descriptor, size, start)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            line = f"the map {self._path} cannot be written: {error.strerror}; no placeholder left without its original"
            raise OutOfSpace(line) from error
