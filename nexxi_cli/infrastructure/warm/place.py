"""Where warm engines listen: a folder that is its user's alone, a socket and a lock an engine. Linux only.

Paths go through the folder's descriptor (/proc/self/fd, proc(5)): what was checked is what is used, and a path may be
longer than the 107 bytes that an address of AF_UNIX holds (unix(7)).
"""

import errno
import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nexxi_cli.core.errors import ModelUnavailable

SOCKET, LOCK = ".sock", ".lock"
BACKLOG = 64
_PEER = struct.Struct("3i")
"""struct ucred of unix(7): pid, uid, gid."""


class EngineGone(ModelUnavailable):
    """There is no engine, it is another one, or it has ended before it had answered."""


class PlaceRefused(EngineGone):
    """The folder cannot be made or used, or is not its user's."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection, as the kernel says."""

    pid: int
    uid: int

    @property
    def is_us(self) -> bool:
        """Whether it is a process of the same user."""
        return self.uid == os.geteuid()


def peer_of(connection: socket.socket) -> Peer:
    """Who made or accepted this connection."""
    pid, uid, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return Peer(pid, uid)


class Place:
    """The folder of the sockets of a user's engines. It is made when the first engine is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def connect(self, name: str) -> socket.socket | None:
        """A connection to the engine of this name, or None when none listens. Never waits. Raises PlaceRefused."""
        with self._opened(make=False) as folder, ExitStack() as failing:
            if folder is None:
                return None
            connection = failing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            connection.settimeout(0)
            try:
                connection.connect(_address(folder, name + SOCKET))
            except OSError:  # nobody listens or, with EAGAIN, so many wait already that it must be stuck
                return None
            if not peer_of(connection).is_us:
                return None
            failing.pop_all()
            return connection

    def names(self) -> Sequence[str]:
        """The engines that have a socket; one that was killed still has it. Raises PlaceRefused."""
        with self._opened(make=False) as folder:
            if folder is None:
                return ()
            with os.scandir(folder) as entries:
                return sorted(entry.name[: -len(SOCKET)] for entry in entries if entry.name.endswith(SOCKET))

    def claim(self, name: str) -> "Claim | None":
        """The right to be the engine of this name, until it is released or this process ends; None: another has it.

        Raises PlaceRefused.
        """
        with self._opened(make=True) as folder, ExitStack() as failing:
            assert folder is not None
            kept = os.dup(folder)
            failing.callback(os.close, kept)
            lock = _locked(kept, name + LOCK)
            if lock is None:
                return None
            failing.pop_all()
            return Claim(kept, lock, name)

    @contextmanager
    def _opened(self, *, make: bool) -> Iterator[int | None]:
        """The folder's descriptor; None where it does not exist. What others may do there is taken away from them."""
        if not hasattr(socket, "SO_PEERCRED"):
            raise PlaceRefused("only Linux tells who is at the other end of a socket")
        try:
            with ExitStack() as closing:
                folder = self._descriptor(make=make)
                if folder is not None:
                    closing.callback(os.close, folder)
                    self._make_ours(folder)
                yield folder
        except OSError as error:
            raise PlaceRefused(f"{self._folder} cannot be used: {error.strerror or error}") from error

    def _descriptor(self, *, make: bool) -> int | None:
        if make:
            with suppress(FileExistsError):
                self._folder.mkdir(mode=0o700, parents=True)
        try:
            return os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise PlaceRefused(f"{self._folder} is no folder, or a link to one: remove it") from error
            raise

    def _make_ours(self, folder: int) -> None:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid():
            raise PlaceRefused(f"{self._folder} belongs to another user: set XDG_RUNTIME_DIR to a folder of your own")
        if stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(folder, 0o700)


class Claim:
    """The right to be the engine of one name: a lock that the kernel releases with the process (flock(2))."""

    def __init__(self, folder: int, lock: int, name: str) -> None:
        self._folder = folder
        self._lock = lock
        self._name = name
        self._socket = name + SOCKET

    def listen(self) -> socket.socket:
        """A socket (0600) that listens under the name. What a dead engine has left there is replaced.

        Raises PlaceRefused.
        """
        try:
            with ExitStack() as failing:
                listener = failing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                listener.settimeout(0)
                self._remove(self._socket)
                listener.bind(_address(self._folder, self._socket))
                os.chmod(self._socket, 0o600, dir_fd=self._folder)  # before anybody can connect
                listener.listen(BACKLOG)
                failing.pop_all()
        except OSError as error:
            raise PlaceRefused(f"cannot listen for chats: {error.strerror or error}") from error
        return listener

    def release(self) -> None:
        """Remove the socket, and let others have the name."""
        with suppress(OSError):  # the folder is gone with the user's session
            self._remove(self._socket)
            self._remove(self._name + LOCK)
        os.close(self._lock)
        os.close(self._folder)

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)


def _locked(folder: int, name: str) -> int | None:
    """The descriptor of the locked file, or None when another process has it.

    The one who had it may have removed the file between our opening and our locking it: then the lock is worth nothing.
    """
    while True:
        lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.stat(name, dir_fd=folder, follow_symlinks=False)):
                return lock
        os.close(lock)


def _address(folder: int, name: str) -> str:
    return f"/proc/self/fd/{folder}/{name}"
