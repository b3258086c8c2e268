"""How entries change the tables. Whoever calls holds the transaction and the locks on the entries' sessions."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nexxi_cli.core.archived import (
    ArchivedTurn,
    ArchiveEntry,
    SessionDeleted,
    SessionRenamed,
    SessionTruncated,
    SystemReplaced,
)
from nexxi_cli.infrastructure.archive.database import Database
from nexxi_cli.infrastructure.archive.tables import applied, deleted, sessions, turns


async def apply(connection: AsyncConnection, database: Database, entries: Sequence[ArchiveEntry]) -> None:
    """Apply those entries that were not applied before, in this order."""
    for are_turns, run in groupby(await _unseen(connection, entries), lambda entry: isinstance(entry, ArchivedTurn)):
        if are_turns:
            await _add(connection, database, [turn for turn in run if isinstance(turn, ArchivedTurn)])
        else:
            for entry in run:
                await _change(connection, database, entry)


async def remove(connection: AsyncConnection, database: Database, session_ids: Sequence[UUID]) -> None:
    """Remove sessions with their turns."""
    await _remove_turns(connection, database, turns.c.session_id.in_(session_ids))
    await connection.execute(delete(sessions).where(sessions.c.session_id.in_(session_ids)))


async def _unseen(connection: AsyncConnection, entries: Sequence[ArchiveEntry]) -> list[ArchiveEntry]:
    """The entries that are new, each once; from now on they count as applied."""
    by_id: dict[UUID, ArchiveEntry] = {}
    for entry in entries:
        by_id.setdefault(entry.entry_id, entry)
    seen = set(await connection.scalars(select(applied.c.entry_id).where(applied.c.entry_id.in_(by_id))))
    unseen = [entry for entry_id, entry in by_id.items() if entry_id not in seen]
    if unseen:
        await connection.execute(insert(applied), [{"entry_id": entry.entry_id} for entry in unseen])
    return unseen


async def _change(connection: AsyncConnection, database: Database, entry: ArchiveEntry) -> None:
    of_session = sessions.c.session_id == entry.session_id
    match entry:
        case SessionTruncated():
            beyond = (turns.c.session_id == entry.session_id) & (turns.c.number > entry.turn_count)
            await _remove_turns(connection, database, beyond)
            await _count(connection, [entry.session_id])
        case SessionRenamed():
            await connection.execute(update(sessions).where(of_session).values(name=entry.name))
        case SystemReplaced():
            await connection.execute(update(sessions).where(of_session).values(system=entry.system))
        case SessionDeleted():
            await remove(connection, database, [entry.session_id])
            known = select(deleted.c.session_id).where(deleted.c.session_id == entry.session_id)
            if await connection.scalar(known) is None:
                await connection.execute(insert(deleted).values(session_id=entry.session_id))


async def _add(connection: AsyncConnection, database: Database, new: Sequence[ArchivedTurn]) -> None:
    gone = set(await connection.scalars(select(deleted.c.session_id).where(deleted.c.session_id.in_(_ids_of(new)))))
    by_place = {(turn.session_id, turn.number): turn for turn in new if turn.session_id not in gone}
    if not by_place:
        return
    await _note_sessions(connection, by_place.values())
    await _remove_turns(connection, database, tuple_(turns.c.session_id, turns.c.number).in_(by_place))
    keys = await connection.execute(
        insert(turns).returning(turns.c.key, turns.c.session_id, turns.c.number), [_row(t) for t in by_place.values()]
    )
    await database.add_words(connection, {key: by_place[session_id, number] for key, session_id, number in keys})
    await _count(connection, _ids_of(by_place.values()))


async def _note_sessions(connection: AsyncConnection, new: Iterable[ArchivedTurn]) -> None:
    """What the newest turn of each session says of it is what holds, unless the archive has a newer one."""
    newest: dict[UUID, ArchivedTurn] = {}
    for turn in sorted(new, key=lambda turn: turn.created_at):
        newest[turn.session_id] = turn
    columns = sessions.c.session_id, sessions.c.updated_at
    rows = await connection.execute(select(*columns).where(sessions.c.session_id.in_(newest)))
    known = {row.session_id: row.updated_at for row in rows}
    unknown = [turn for session_id, turn in newest.items() if session_id not in known]
    if unknown:
        await connection.execute(
            insert(sessions),
            [
                {
                    "session_id": turn.session_id,
                    "owner": turn.owner,
                    "created_at": turn.session_created_at,
                    "turn_count": 0,
                    **_state(turn),
                }
                for turn in unknown
            ],
        )
    changed = [
        turn for session_id, turn in newest.items() if session_id in known and turn.created_at >= known[session_id]
    ]
    if changed:
        await connection.execute(
            update(sessions).where(sessions.c.session_id == bindparam("of_session")),
            [{"of_session": turn.session_id, **_state(turn)} for turn in changed],
        )


def _state(turn: ArchivedTurn) -> dict[str, Any]:
    return {
        "updated_at": turn.created_at,
        "name": turn.name,
        "title": turn.title,
        "model": turn.model,
        "system": turn.system,
    }


def _row(turn: ArchivedTurn) -> dict[str, Any]:
    return {
        "session_id": turn.session_id,
        "number": turn.number,
        "turn_id": turn.turn_id,
        "owner": turn.owner,
        "question": turn.question,
        "answer": turn.answer,
        "finish": turn.finish,
        "model": turn.model,
        "prompt_tokens": turn.prompt_tokens,
        "completion_tokens": turn.completion_tokens,
        "first_token_s": turn.first_token_s,
        "total_s": turn.total_s,
        "finding_types": " ".join(turn.finding_types),
        "created_at": turn.created_at,
    }


async def _remove_turns(connection: AsyncConnection, database: Database, which: Any) -> None:
    keys = list(await connection.scalars(select(turns.c.key).where(which)))
    if keys:
        await database.remove_words(connection, keys)
        await connection.execute(delete(turns).where(turns.c.key.in_(keys)))


async def _count(connection: AsyncConnection, session_ids: Sequence[UUID]) -> None:
    count = select(func.count()).where(turns.c.session_id == sessions.c.session_id).scalar_subquery()
    await connection.execute(update(sessions).where(sessions.c.session_id.in_(session_ids)).values(turn_count=count))


def _ids_of(entries: Iterable[ArchivedTurn]) -> list[UUID]:
    return list({entry.session_id: None for entry in entries})
