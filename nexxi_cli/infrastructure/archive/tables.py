"""The archive's tables, as the newest step of `migrations` leaves them, and how values lie in their columns."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)

from nexxi_cli.infrastructure.archive.layout import restored, storable


class AnyText(TypeDecorator[str]):
    """Any `str`, without loss."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As it is stored."""
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """As it was."""
        return None if value is None else restored(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite keeps none of its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As it is stored."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As it was."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _required(name: str, kind: Any, *args: Any) -> Column[Any]:
    return Column(name, kind, *args, nullable=False)


metadata = MetaData()

sessions = Table(
    "archive_sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    _required("owner", AnyText),
    _required("created_at", UtcTime),
    _required("updated_at", UtcTime),
    _required("turn_count", Integer),
    Column("name", AnyText),
    Column("title", AnyText),
    _required("model", AnyText),
    Column("system", AnyText),
)
Index("archive_sessions_by_name", sessions.c.owner, sessions.c.name)
Index("archive_sessions_by_change", sessions.c.owner, sessions.c.updated_at, sessions.c.session_id)

turns = Table(
    "archive_turns",
    metadata,
    Column("key", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _required("session_id", Uuid, ForeignKey("archive_sessions.session_id")),
    _required("number", Integer),
    _required("turn_id", Uuid),
    _required("owner", AnyText),
    _required("question", AnyText),
    _required("answer", AnyText),
    _required("finish", Text),
    _required("model", AnyText),
    _required("prompt_tokens", Integer),
    _required("completion_tokens", Integer),
    Column("first_token_s", Float),
    _required("total_s", Float),
    _required("finding_types", Text),
    _required("created_at", UtcTime),
    UniqueConstraint("session_id", "number", name="archive_turns_by_number"),
)
Index("archive_turns_by_time", turns.c.owner, turns.c.created_at)

applied = Table("archive_applied", metadata, Column("entry_id", Uuid, primary_key=True))
"""Every entry that was applied: none is applied again. A row is 16 bytes of chance, so none is ever removed."""

deleted = Table("archive_deleted", metadata, Column("session_id", Uuid, primary_key=True))
"""Sessions that were removed for good: no turn of theirs is kept."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", AnyText, primary_key=True),
    _required("name", AnyText),
    _required("owner", AnyText),
    _required("digest", LargeBinary),
    _required("scopes", Text),
    _required("created_at", UtcTime),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
)
"""The keys of the API: few, so they are always read as a whole."""
