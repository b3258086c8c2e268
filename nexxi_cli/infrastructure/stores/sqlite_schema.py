"""The schema of the sessions file, as the steps that lead to it. A step that was released is never edited."""

from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection

from nexxi_cli.core.errors import StoreUnavailable

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


def migrate(connection: Connection, path: Path, *, steps: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Take the file through the steps that it has not seen, all or none. Raises StoreUnavailable if it is further.

    The version is SQLite's own `user_version`: the number of steps that the file has seen.
    """
    if not _unseen(connection, path, steps):
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statements in _unseen(connection, path, steps):  # again: another process may have been faster
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")


def _unseen(connection: Connection, path: Path, steps: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise StoreUnavailable(
            f"the sessions in {path} have schema {version}, this nexxi knows {len(steps)}; upgrade nexxi"
        )
    return steps[version:]
