"""Hyperscan's databases: compiled, which takes 0.3 s, or read from the file in which they were kept (0.3 ms)."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any


def compiled(expressions: Sequence[bytes], *, kept_in: Path | None) -> Any:
    """The database of these expressions, in block mode, numbered in order. A folder that cannot be used keeps none.

    Hyperscan itself refuses a file that is damaged, or was made by another version or for another CPU (hs_common.h).
    """
    import hyperscan

    if kept_in is None:
        return _compile(expressions)
    digest = hashlib.sha256(repr(list(expressions)).encode()).hexdigest()[:16]
    file = kept_in / f"probes-{digest}.hs"
    with suppress(OSError, hyperscan.error):
        database = hyperscan.loadb(file.read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
        return database
    database = _compile(expressions)
    with suppress(OSError):
        _keep(file, hyperscan.dumpb(database))
    return database


def _compile(expressions: Sequence[bytes]) -> Any:
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=expressions,
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_DOTALL] * len(expressions),
    )
    return database


def _keep(file: Path, content: bytes) -> None:
    """Whole or not at all, in the place of those of older versions."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = mkstemp(prefix=f"{file.name}.", dir=file.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as written:
            written.write(content)
        for older in file.parent.glob("probes-*.hs"):
            older.unlink(missing_ok=True)
        Path(unfinished).replace(file)
    except OSError:
        Path(unfinished).unlink(missing_ok=True)
        raise
