"""How the archive lies in a database, as far as one has to know it without SQLAlchemy: its version, and its texts."""

import re

from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.stores.sqlite_schema import Contents

IN_SQLITE = Contents("archive", ArchiveUnavailable, ())
"""What a SQLite file with an archive says of itself in errors; Alembic sees to its tables."""

BUSY_TIMEOUT_S = 1.5

VERSION_TABLE = "archive_version"
NEWEST = "0002"
"""The newest step in migrations/versions."""

# PostgreSQL takes neither NUL nor, in UTF-8, halves of surrogate pairs; the escape itself is SUBSTITUTE.
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


def storable(text: str) -> str:
    """`text` as it is stored: what a database cannot hold is written as SUBSTITUTE and four hexadecimal digits."""
    return _UNSTORABLE.sub(lambda match: f"\x1a{ord(match[0]):04x}", text)


def restored(text: str) -> str:
    """A text as it was before it was stored."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
