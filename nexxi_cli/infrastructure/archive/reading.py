"""How sessions, turns and what they cost are read from the tables."""

from collections.abc import Set
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nexxi_cli.core.archived import DayStats, SearchHit
from nexxi_cli.core.types import Message, Session, SessionInfo
from nexxi_cli.infrastructure.archive.database import Database
from nexxi_cli.infrastructure.archive.tables import sessions, turns
from nexxi_cli.infrastructure.archive.words import phrases_of, snippet_of
from nexxi_cli.infrastructure.stores.fields import id_start

MAX_CANDIDATES = 10
_NEWEST_FIRST = sessions.c.updated_at.desc(), sessions.c.session_id.desc()


async def load(connection: AsyncConnection, session_id: UUID) -> Session | None:
    """The session with its turns, or None."""
    row = (await connection.execute(select(sessions).where(sessions.c.session_id == session_id))).first()
    if row is None:
        return None
    messages = [] if row.system is None else [Message("system", row.system)]
    columns = turns.c.question, turns.c.answer, turns.c.finish
    kept = select(*columns).where(turns.c.session_id == session_id).order_by(turns.c.number)
    for question, answer, finish in await connection.execute(kept):
        messages += Message("user", question), Message("assistant", answer, None if finish == "stop" else finish)
    return Session(_info(row), tuple(messages))


async def find(connection: AsyncConnection, owner: str, reference: str) -> list[SessionInfo]:
    """The newest session of this name, or the sessions whose id starts so."""
    owned = select(sessions).where(sessions.c.owner == owner)
    named = await _infos(connection, owned.where(sessions.c.name == reference).order_by(*_NEWEST_FIRST).limit(1))
    if named:
        return named
    start = (id_start(reference) or "").replace("-", "")
    if not start:
        return []
    first, last = UUID(start.ljust(32, "0")), UUID(start.ljust(32, "f"))
    by_id = owned.where(sessions.c.session_id.between(first, last)).order_by(sessions.c.session_id)
    return await _infos(connection, by_id.limit(MAX_CANDIDATES))


async def recent(connection: AsyncConnection, owner: str, limit: int, without: Set[UUID]) -> list[SessionInfo]:
    """The owner's sessions but some, the one that changed last first."""
    owned = select(sessions).where(sessions.c.owner == owner).order_by(*_NEWEST_FIRST)
    infos = await _infos(connection, owned.limit(limit + len(without)))  # a database takes only so many parameters
    return [info for info in infos if info.session_id not in without][:limit]


async def search(
    connection: AsyncConnection, database: Database, owner: str, words: str, limit: int
) -> list[SearchHit]:
    """The owner's turns that have all words, the best first."""
    phrases = phrases_of(words)
    if not phrases:
        return []
    ranks = dict(await database.search(connection, owner, phrases, limit))
    columns = turns.c.key, turns.c.number, turns.c.question, turns.c.answer
    found = await connection.execute(
        select(*columns, *sessions.c).join_from(turns, sessions).where(turns.c.key.in_(ranks))
    )
    rows = {row.key: row for row in found}
    return [
        SearchHit(_info(row), row.number, snippet_of((row.question, row.answer), phrases), ranks[key])
        for key, row in ((key, rows[key]) for key in ranks)
    ]


async def stats(connection: AsyncConnection, database: Database, owner: str, since: datetime) -> list[DayStats]:
    """Sums by day and model, the newest day first."""
    day: ColumnElement[str] = literal_column(database.day)
    rows = await connection.execute(
        select(
            day,
            turns.c.model,
            func.count(),
            func.sum(turns.c.prompt_tokens),
            func.sum(turns.c.completion_tokens),
            func.avg(turns.c.first_token_s),
            func.sum(turns.c.total_s - turns.c.first_token_s),
        )
        .where(turns.c.owner == owner, turns.c.created_at >= since)
        .group_by(day, turns.c.model)
        .order_by(day.desc(), turns.c.model)
    )
    return [
        DayStats(
            day=date.fromisoformat(of_day),
            model=model,
            turns=count,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            first_token_s=first_token_s,
            tokens_per_s=completion_tokens / decoding_s if decoding_s else None,
        )
        for of_day, model, count, prompt_tokens, completion_tokens, first_token_s, decoding_s in rows
    ]


async def _infos(connection: AsyncConnection, query: Select[Any]) -> list[SessionInfo]:
    return [_info(row) for row in await connection.execute(query)]


def _info(row: Row[Any]) -> SessionInfo:
    return SessionInfo(
        session_id=row.session_id,
        owner=row.owner,
        created_at=row.created_at,
        updated_at=row.updated_at,
        turn_count=row.turn_count,
        name=row.name,
        title=row.title,
        model=row.model,
    )
