"""Where the server listens: an address and port, or a Unix socket that its user alone may open."""

import os
import socket
import stat
from contextlib import ExitStack
from pathlib import Path

from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.settings import Settings

BACKLOG = 2048
"""Connections that may wait to be accepted; from here on another server finds the place taken."""


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises SettingsError, which says why it cannot be."""
    if settings.uds is not None:
        return _listen_on_path(settings.uds)
    host, port = settings.host, settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as failing:
            listener = failing.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            failing.pop_all()
    except OSError as error:
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror}; choose another --port") from error
    return listener


def _listen_on_path(path: Path) -> socket.socket:
    """A socket that its user alone may open. What a dead server has left is replaced, a live one's is not."""
    try:
        if os.path.lexists(path):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise SettingsError(f"--uds {path}: there is a file of that name")
            if _answers(path):
                raise SettingsError(f"--uds {path}: another server listens there")
            path.unlink()
        with ExitStack() as failing:
            listener = failing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            before = os.umask(0o177)
            failing.callback(os.umask, before)
            listener.bind(str(path))
            listener.listen(BACKLOG)
            os.umask(before)
            failing.pop_all()
    except OSError as error:
        raise SettingsError(f"cannot listen on {path}: {error.strerror or error}") from error
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
