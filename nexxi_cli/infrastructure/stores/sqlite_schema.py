"""What a SQLite file of ours holds, as the steps that lead to its tables. A step that was released is never edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from nexxi_cli.core.errors import StoreUnavailable, Unavailable

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE sessions (
            session_id TEXT NOT NULL PRIMARY KEY,
            owner TEXT NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            turn_count INTEGER NOT NULL,
            name TEXT,
            title TEXT,
            model TEXT,
            system TEXT
        )
        """,
        "CREATE UNIQUE INDEX sessions_by_name ON sessions (owner, name)",
        "CREATE INDEX sessions_by_change ON sessions (owner, updated_at DESC, session_id DESC)",
        """
        CREATE TABLE turns (
            session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
            number INTEGER NOT NULL,
            question TEXT NOT NULL,
            answer TEXT NOT NULL,
            finish TEXT,
            model TEXT,
            created_at TEXT NOT NULL,
            PRIMARY KEY (session_id, number)
        )
        """,
    ),
    (
        "ALTER TABLE sessions ADD COLUMN summary TEXT",
        "ALTER TABLE sessions ADD COLUMN summary_turns INTEGER NOT NULL DEFAULT 0",
    ),
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. `noun` (a plural) names it in errors, which are of the class `unavailable`.

    variable: what leads to the file's folder.
    """

    noun: str
    unavailable: type[Unavailable]
    steps: Sequence[Sequence[str]]
    variable: str = "XDG_DATA_HOME"


SESSIONS = Contents("sessions", StoreUnavailable, MIGRATIONS)


def migrate(connection: Connection, path: Path, contents: Contents) -> None:
    """Take the file through the steps that it has not seen, all or none. Raises `unavailable` if it is further.

    The version is SQLite's own `user_version`: the number of steps that the file has seen.
    """
    if not _unseen(connection, path, contents):
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statements in _unseen(connection, path, contents):  # again: another process may have been faster
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(contents.steps)}")


def _unseen(connection: Connection, path: Path, contents: Contents) -> Sequence[Sequence[str]]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    known = len(contents.steps)
    if version > known:
        raise contents.unavailable(
            f"the {contents.noun} in {path} have schema {version}, this nexxi knows {known}; upgrade nexxi"
        )
    return contents.steps[version:]
