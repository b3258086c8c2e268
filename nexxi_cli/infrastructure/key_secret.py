"""The secret that keys are hashed with, in a file of the user's own. Knows how it comes to be there, once."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from nexxi_cli.core.errors import ArchiveUnavailable, SettingsError

SECRET_BYTES = 32
MIN_CHARS = 16
"""As for the setting: less is no secret but a file that was damaged."""

_ANEW = "put the one back that your keys were made with, or remove the file and make all keys anew"


def kept_secret(path: Path) -> str:
    """The secret in this file (0600), which is made if there is none; the same for all who come at once.

    Raises ArchiveUnavailable when the file cannot be read or made, as the archive beside it could not, and
    SettingsError when there is no secret in it.
    """
    try:
        if not os.path.lexists(path):
            make_secret(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        secret = path.read_bytes().decode().strip()
    except OSError as error:
        raise ArchiveUnavailable(
            f"{path} cannot be used: {error.strerror}; make it and its folder writable, or set NEXXI_KEY_SECRET"
        ) from error
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < MIN_CHARS:
        raise SettingsError(f"{path} holds no secret: {_ANEW}")
    return secret


def make_secret(path: Path) -> None:
    """A new secret (0600): written elsewhere and linked into its place, which link(2) refuses to all but the first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, written = mkstemp(prefix=f"{path.name}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(descriptor)  # keys that outlive a power cut are worth nothing without it
        with suppress(FileExistsError):
            os.link(written, path)
    finally:
        Path(written).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
