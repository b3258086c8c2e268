"""Where the key of a redaction comes from, when a file has it."""

import os
import stat
from pathlib import Path

from nexxi_cli.core.errors import NexxiError, NotFound, UsageError
from nexxi_cli.infrastructure.key_secret import make_secret

MIN_BYTES = 16


def read_key(path: Path) -> bytes:
    """What the file holds, without blanks around it. Raises NotFound, and UsageError where it is too short."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise NotFound(f"the key file {path} cannot be read: {error.strerror}") from error
    if len(secret) < MIN_BYTES:
        raise UsageError(f"the key file {path} holds {len(secret)} bytes; a key has at least {MIN_BYTES}")
    return secret


def key_of_map(path: Path, key_file: Path) -> bytes:
    """The key of a map that has to be there. Raises NotFound where it is not, and as `read_key`."""
    if not path.exists():
        raise NotFound(f"there is no map {path}")
    return read_key(key_file)


def kept_key(path: Path) -> bytes:
    """The key in this file (0600), which is made if there is none. Raises as `read_key`, and NexxiError."""
    try:
        if not os.path.lexists(path):
            make_secret(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise NexxiError(f"the key file {path} cannot be made: {error.strerror}; or give --key-file") from error
    return read_key(path)
