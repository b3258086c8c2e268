"""The archive in PostgreSQL, over psycopg 3: a GIN index finds the words, ts_rank_cd ranks them."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import psycopg  # noqa: F401  loaded here, so that a missing extra is found out at once
from sqlalchemy import bindparam, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from nexxi_cli.core.archived import ArchivedTurn
from nexxi_cli.core.errors import SettingsError
from nexxi_cli.infrastructure.archive.database import CANDIDATES
from nexxi_cli.infrastructure.archive.keys import SqlKeyStore
from nexxi_cli.infrastructure.archive.layout import storable
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from nexxi_cli.infrastructure.archive.transactions import ANSWER_S
from nexxi_cli.infrastructure.archive.words import Phrase, words_of

CONNECTIONS = 4
COMPLAINT_CHARS = 300

# Ranks are divided by 1 + log(length): flag 1 in the PostgreSQL manual, 12.3.3 "Ranking Search Results".
_SEARCH = text(
    "WITH newest AS MATERIALIZED (SELECT key, words FROM archive_words"
    " WHERE owner = :owner AND words @@ CAST(:query AS tsquery) ORDER BY key DESC LIMIT :candidates)"
    " SELECT key, ts_rank_cd(words, CAST(:query AS tsquery), 1) AS score FROM newest"
    " ORDER BY score DESC, key DESC LIMIT :limit"
)
_ADD = text("INSERT INTO archive_words (key, owner, words) VALUES (:key, :owner, CAST(:words AS tsvector))")
_REMOVE = text("DELETE FROM archive_words WHERE key IN :keys").bindparams(bindparam("keys", expanding=True))
_LOCK = text("SELECT pg_advisory_xact_lock(id) FROM unnest(CAST(:ids AS bigint[])) AS id")


def postgresql_archive(url: str) -> SqlArchive:
    """The archive at `postgresql://USER:PASSWORD@HOST:PORT/NAME`. Raises SettingsError for what is no such address."""
    return SqlArchive(PostgresqlDatabase(url))


def postgresql_keys(url: str) -> SqlKeyStore:
    """The keys in the same database. Raises SettingsError as `postgresql_archive` does."""
    return SqlKeyStore(PostgresqlDatabase(url))


class PostgresqlDatabase:
    """A PostgreSQL database, which may hold other tables too. Its schema is changed only when that is asked for."""

    migrates_itself = False
    day = "to_char(archive_turns.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"

    def __init__(self, url: str) -> None:
        try:
            address = make_url(url).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):
            form = "postgresql://USER:PASSWORD@HOST:PORT/NAME"
            raise SettingsError(f"the database URL is not of the form {form}") from None  # the cause shows the password
        host = address.host or address.query.get("host") or "localhost"
        port = f":{address.port}" if address.port else ""
        self.place = f"PostgreSQL at {host}{port}/{address.database or ''}"
        self.engine = create_async_engine(
            address,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=ANSWER_S,
            pool_pre_ping=True,
            hide_parameters=True,
            # prepared statements fail behind a pooler, and their generic plans do not know how rare a word is
            connect_args={"connect_timeout": int(ANSWER_S), "prepare_threshold": None},
        )

    async def prepare(self) -> None:
        """Nothing has to be made."""

    def complaint(self, error: BaseException | None) -> str:
        """The server's message in one line."""
        reason = " ".join(str(error).split())[:COMPLAINT_CHARS]
        return f"the archive in {self.place} cannot be used: {reason}; check the server and NEXXI_DATABASE_URL"

    async def lock(self, connection: AsyncConnection, ids: Iterable[UUID]) -> None:
        """One lock for each id, always taken in the same order, so that no two writers wait for each other."""
        halves = sorted({int.from_bytes(each.bytes[:8], signed=True) for each in ids})
        await connection.execute(_LOCK, {"ids": halves})

    async def add_words(self, connection: AsyncConnection, turns: Mapping[int, ArchivedTurn]) -> None:
        """As tsvectors that are written out: no parser, dictionary or locale of the server's has a say."""
        rows = [
            {
                "key": key,
                "owner": storable(turn.owner),
                "words": _vector(words_of(turn.question, turn.answer)),
            }
            for key, turn in turns.items()
        ]
        await connection.execute(_ADD, rows)

    async def remove_words(self, connection: AsyncConnection, keys: Sequence[int]) -> None:
        """Before the turns themselves."""
        await connection.execute(_REMOVE, {"keys": keys})

    async def search(
        self, connection: AsyncConnection, owner: str, phrases: Sequence[Phrase], limit: int
    ) -> Sequence[tuple[int, float]]:
        """Every word is quoted, so the server sees no syntax in it."""
        query = " & ".join("(" + " <-> ".join(f"'{word}'" for word in phrase) + ")" for phrase in phrases)
        values = {"owner": storable(owner), "query": query, "candidates": CANDIDATES, "limit": limit}
        return [(key, rank) for key, rank in await connection.execute(_SEARCH, values)]


def _vector(words: Sequence[str]) -> str:
    """The words with their places, as PostgreSQL writes a tsvector."""
    return " ".join(f"'{word}':{place}" for place, word in enumerate(words, start=1))
