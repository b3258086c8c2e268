"""A SQLite file and the one thread that works on it. Knows how to open it and what SQLite's errors mean."""

import asyncio
import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from nexxi_cli.infrastructure.stores.sqlite_schema import SESSIONS, Contents, migrate

P = ParamSpec("P")
T = TypeVar("T")

IN_MEMORY = Path(":memory:")  # https://sqlite.org/inmemorydb.html

_RETRY_S = 0.01
_MAKE_WRITABLE = "make it and its folder writable, or set {variable} to a folder that is"
_FREE_SPACE = "free some space on that disk"
_START_ANEW = "move the file away to start anew, or put a copy of it back"

# https://sqlite.org/rescode.html, primary result codes; any other is a mistake of ours and is not translated
ADVICE = {
    sqlite3.SQLITE_ERROR: _START_ANEW,  # a table that is not ours
    sqlite3.SQLITE_PERM: _MAKE_WRITABLE,
    sqlite3.SQLITE_BUSY: "another program holds it, try again",
    sqlite3.SQLITE_READONLY: _MAKE_WRITABLE,
    sqlite3.SQLITE_IOERR: "check the disk and its free space",
    sqlite3.SQLITE_CORRUPT: _START_ANEW,
    sqlite3.SQLITE_FULL: _FREE_SPACE,
    sqlite3.SQLITE_CANTOPEN: _MAKE_WRITABLE,
    sqlite3.SQLITE_NOTADB: _START_ANEW,
}


class SqliteFile:
    """A SQLite file of the user's own (0600), in WAL mode, opened on first use; at IN_MEMORY, no file at all.

    Work runs in a thread of the file's own, one transaction at a time; other processes may use the file meanwhile.
    A cancelled caller does not undo work that has begun.
    """

    def __init__(
        self, path: Path, *, busy_timeout_s: float, contents: Contents = SESSIONS, survives_power_cut: bool = True
    ) -> None:
        """`survives_power_cut`: a write waits for the disk. Without it, what a killed process has written stays too."""
        self._path = path
        self._synchronous = "FULL" if survives_power_cut else "NORMAL"  # sqlite.org/pragma.html#pragma_synchronous
        self._contents = contents
        self._busy_timeout_s = busy_timeout_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=contents.noun)
        self._connection: sqlite3.Connection | None = None

    def exists(self) -> bool:
        """Whether there is such a file yet; False also where its folder may not be looked into."""
        return os.path.exists(self._path)  # noqa: PTH110 - Path.exists raises where it may not look

    async def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent state of the file. Raises the contents' `unavailable`."""
        return await self._in_thread("BEGIN", lambda connection: work(connection, *args, **kwargs))

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` as the only writer; everything it did is kept, or nothing if it raises.

        What was kept survives a killed process and, as far as the disk is honest, a power cut. Raises `unavailable`.
        """
        return await self._in_thread("BEGIN IMMEDIATE", lambda connection: work(connection, *args, **kwargs))

    async def aclose(self) -> None:
        """Close the file once the work that was asked for is done."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _in_thread(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, begin, work)

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with translated(self._path, self._contents):
            if self._connection is None:
                self._connection = self._open()
            with self._connection as connection:
                connection.execute(begin)
                return work(connection)

    def _open(self) -> sqlite3.Connection:
        if self._path != IN_MEMORY:
            make_private(self._path)
        connection = sqlite3.connect(self._path, timeout=self._busy_timeout_s, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            enter_wal_mode(connection, timeout_s=self._busy_timeout_s)
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection, self._path, self._contents)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            with translated(self._path, self._contents):
                self._connection.close()


def make_private(path: Path) -> None:
    """Create the file and its folder if need be; SQLite gives -wal and -shm the mode of the file itself.

    The file must never be opened but by SQLite: closing it would drop the locks of this process's other
    connections (https://sqlite.org/howtocorrupt.html, section 2.2). Raises OSError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, "it is read-only")


def enter_wal_mode(connection: sqlite3.Connection, *, timeout_s: float) -> None:
    """Two processes that enter it at once do not wait for each other by SQLite's timeout, so try again here."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def advice_on(error: sqlite3.Error) -> str | None:
    """What to try, or None when the error is a mistake of ours."""
    return ADVICE.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF)


@contextmanager
def translated(path: Path, contents: Contents) -> Iterator[None]:
    """Raises the error of `contents` from SQLite's and the system's, with what to try."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        advice = advice_on(error)
        if advice is None:
            raise
        advice = advice.format(variable=contents.variable)
        raise contents.unavailable(f"the {contents.noun} in {path} cannot be used: {error}; {advice}") from error
    except OSError as error:
        advice = _FREE_SPACE if error.errno == errno.ENOSPC else _MAKE_WRITABLE.format(variable=contents.variable)
        raise contents.unavailable(f"{path} cannot be used: {error.strerror}; {advice}") from error
