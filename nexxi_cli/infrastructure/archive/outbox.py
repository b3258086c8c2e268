"""The outbox: entries that wait on this machine's disk for the archive, in the order in which they came."""

import json
import sqlite3
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import get_args
from uuid import UUID

from pydantic import TypeAdapter

from nexxi_cli.core.archived import ArchiveEntry
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.ports import Archive
from nexxi_cli.infrastructure.stores.sqlite_file import SqliteFile
from nexxi_cli.infrastructure.stores.sqlite_schema import Contents

BUSY_TIMEOUT_S = 10.0
BATCH = 200
BATCH_BYTES = 1_000_000
"""A batch is of about so much JSON: what a slow line carries before the archive's time is up."""

KINDS = {kind.__name__: kind for kind in get_args(ArchiveEntry)}

# AUTOINCREMENT: a place is never given twice, so whoever removes what it has moved removes nothing that came since.
OUTBOX = Contents(
    "unsent turns",
    ArchiveUnavailable,
    (
        (
            "CREATE TABLE waiting (place INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, fields TEXT NOT NULL)",
            "CREATE TABLE set_aside"
            " (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, fields TEXT NOT NULL, reason TEXT NOT NULL)",
        ),
    ),
)

FIRST = "SELECT place, CAST(kind AS BLOB) AS kind, CAST(fields AS BLOB) AS fields FROM waiting ORDER BY place LIMIT ?"


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many entries wait, and how many were set aside because nobody can read them."""

    waiting: int
    set_aside: int


class Outbox:
    """A SQLite file (0600). Any number of processes may put entries in and drain it at once."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._file = SqliteFile(path, busy_timeout_s=busy_timeout_s, contents=OUTBOX, survives_power_cut=False)

    async def put(self, entries: Sequence[ArchiveEntry]) -> None:
        """Keep entries on the disk until the archive has them. Raises ArchiveUnavailable when that cannot be."""
        await self._file.write(_put, [_encode(entry) for entry in entries])

    async def drain(self, archive: Archive, *, batch: int = BATCH) -> int:
        """Move all that waits to the archive, in order; return how many entries that were.

        An entry leaves the outbox only once the archive has it, so one may be handed over twice: when a process dies
        between the two, or when several drain at once. Raises ArchiveUnavailable; the rest stays where it is.
        """
        moved = 0
        while rows := await self._file.read(_first, batch):
            decoded, broken = _decode_all(rows)
            if decoded:
                await archive.record([entry for _, entry in decoded])
            await self._file.write(_settle, [place for place, _ in decoded], broken)
            moved += len(decoded)
        return moved

    async def waits_only_for(self, session_ids: Set[UUID]) -> bool:
        """Whether nothing waits but entries of these sessions; of more entries than a batch, nobody knows."""
        count, rows = await self._file.read(_count_and_first, BATCH)
        decoded, broken = _decode_all(rows)
        return len(rows) == count and not broken and session_ids >= {entry.session_id for _, entry in decoded}

    async def count(self) -> OutboxCount:
        """What is in the outbox. Raises ArchiveUnavailable."""
        return await self._file.read(_count)

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()


def _put(connection: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
    connection.executemany("INSERT INTO waiting (kind, fields) VALUES (?, ?)", rows)


def _first(connection: sqlite3.Connection, batch: int) -> list[sqlite3.Row]:
    """The first entries, as many as make `batch` or BATCH_BYTES; as bytes, because damaged ones may be no text."""
    rows: list[sqlite3.Row] = []
    size_bytes = 0
    for row in connection.execute(FIRST, (batch,)):
        size_bytes += len(row["fields"])
        if rows and size_bytes > BATCH_BYTES:
            break
        rows.append(row)
    return rows


def _count_and_first(connection: sqlite3.Connection, batch: int) -> tuple[int, list[sqlite3.Row]]:
    return _count(connection).waiting, _first(connection, batch)


def _settle(connection: sqlite3.Connection, moved: Sequence[int], broken: Sequence[tuple[int, str]]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO set_aside SELECT place, kind, fields, ? FROM waiting WHERE place = ?",
        [(reason, place) for place, reason in broken],
    )
    places = [*moved, *(place for place, _ in broken)]
    connection.executemany("DELETE FROM waiting WHERE place = ?", [(place,) for place in places])


def _count(connection: sqlite3.Connection) -> OutboxCount:
    (waiting,) = connection.execute("SELECT count(*) FROM waiting").fetchone()
    (set_aside,) = connection.execute("SELECT count(*) FROM set_aside").fetchone()
    return OutboxCount(waiting, set_aside)


def _encode(entry: ArchiveEntry) -> tuple[str, str]:
    """Kind and fields. ASCII, so that any `str` survives, also one that is no valid Unicode."""
    return type(entry).__name__, json.dumps(asdict(entry), default=_plain)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _decode_all(rows: Sequence[sqlite3.Row]) -> tuple[list[tuple[int, ArchiveEntry]], list[tuple[int, str]]]:
    """Entries by their place, and why the others cannot be read: a kind of a newer nexxi, or damage."""
    decoded: list[tuple[int, ArchiveEntry]] = []
    broken: list[tuple[int, str]] = []
    for row in rows:
        kind = row["kind"].decode(errors="replace")
        if kind not in KINDS:
            broken.append((row["place"], "unknown kind"))
            continue
        try:
            decoded.append((row["place"], _adapter(kind).validate_python(json.loads(row["fields"]))))
        except ValueError as error:  # json's and pydantic's are of this class
            broken.append((row["place"], type(error).__name__))
    return decoded, broken


@cache
def _adapter(kind: str) -> TypeAdapter[ArchiveEntry]:
    return TypeAdapter(KINDS[kind])
