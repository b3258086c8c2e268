"""Sessions in Redis, one JSON document each. Knows which step does what; knows nothing of budgets or prompts."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from nexxi_cli.core.types import Message, Session, SessionInfo, Summary, Turn
from nexxi_cli.infrastructure.stores import redis_scripts as scripts
from nexxi_cli.infrastructure.stores.fields import MAX_CANDIDATES, counted, id_start, time_text, title_of
from nexxi_cli.infrastructure.stores.redis_document import (
    MalformedDocument,
    document_of,
    info_from,
    messages_text,
    session_from,
    summary_from,
)
from nexxi_cli.infrastructure.stores.redis_server import RedisServer
from nexxi_cli.infrastructure.stores.refusals import id_taken, name_taken, no_session

TIMEOUT_S = 1.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RedisSessionStore:
    """The SessionStore of any number of machines that share one Redis server, of version 6.2 or later.

    A `write_id` makes it safe to ask for one write again, whether or not an earlier call has taken effect or is still
    to: the turn is written by the first of them that Redis comes across, for as long as scripts.MARK_S.
    """

    def __init__(self, url: str, *, ttl_s: int | None, timeout_s: float = TIMEOUT_S) -> None:
        """`ttl_s`: a session is gone so many seconds after its last turn; None keeps it.

        `timeout_s` bounds each call. Raises SettingsError for a URL that cannot be used.
        """
        self._server = RedisServer(url, timeout_s=timeout_s)
        self._ttl_ms = "" if ttl_s is None else 1000 * ttl_s

    @property
    def place(self) -> str:
        """Where the sessions lie, the same for each URL that leads there: no user, no password."""
        return self._server.place

    async def create(self, session: Session, *, write_id: UUID | None = None) -> Session:
        """Keep a new session or return its owner's session of the same name, or the one that has this write."""
        info, document = session.info, document_of(counted(session))
        reply: int | bytes = await self._server.run(
            scripts.CREATE,
            str(info.session_id),
            json.dumps(info.owner),
            json.dumps(info.name),
            document,
            _micros(info.updated_at),
            self._ttl_ms,
            _text(write_id),
        )
        if reply == 0:
            raise id_taken(info.session_id)
        return self._read(document.encode() if isinstance(reply, int) else reply, info.session_id)

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its messages in order, or None."""
        document, summary = await self._server.run(scripts.LOAD, str(session_id))
        if not document:
            return None
        session = self._read(document, session_id)
        try:
            found = summary_from(summary) if summary else None
        except MalformedDocument as error:
            raise self._server.foreign(f"{scripts.SUMMARY_KEY}{session_id}") from error
        stands = found is not None and found.turns <= session.info.turn_count
        return replace(session, summary=found if stands else None)

    async def append(
        self,
        session_id: UUID,
        turn: Turn,
        *,
        replaces_last_of: SessionInfo | None = None,
        write_id: UUID | None = None,
    ) -> int:
        """Add one turn at the end, or put it in the place of the last one; return the new turn count.

        It is 0 if the session that has this write is gone.
        """
        turn_count: int | None = await self._server.run(
            scripts.APPEND,
            str(session_id),
            time_text(turn.created_at),
            _micros(turn.created_at),
            json.dumps(turn.model),
            json.dumps(title_of(turn.user.content)),
            messages_text((turn.user, turn.assistant)),
            self._ttl_ms,
            _text(write_id),
            *_last_turn_texts(replaces_last_of),
        )
        if turn_count is None:
            raise no_session(session_id)
        return turn_count

    async def written(self, write_id: UUID) -> UUID | None:
        """The session that this write has gone to, even if the session is gone by now; None if it has not happened."""
        place = await self._server.get(scripts.MARK_KEY + str(write_id))
        return None if place is None else UUID(place.decode())

    async def truncate(
        self, session_id: UUID, turn_count: int, *, write_id: UUID | None = None, as_of: SessionInfo | None = None
    ) -> None:
        """Keep the system message and the first `turn_count` turns; with `as_of`, only if no turn has come or gone."""
        assert turn_count >= 0

        def first_turns(session: Session) -> Session:
            if as_of is not None and session.info.last_turn != as_of.last_turn:
                return session
            left = min(turn_count, session.info.turn_count)
            surplus = 2 * (session.info.turn_count - left)
            messages = session.messages[: len(session.messages) - surplus]
            return Session(replace(session.info, turn_count=left), messages)

        await self._change(session_id, first_turns, write_id)

    async def set_system(self, session_id: UUID, system: str | None, *, write_id: UUID | None = None) -> None:
        """Replace, add or remove the system message."""

        def with_system(session: Session) -> Session:
            rest = tuple(message for message in session.messages if message.role != "system")
            return replace(session, messages=rest if system is None else (Message("system", system), *rest))

        await self._change(session_id, with_system, write_id)

    async def set_summary(self, session_id: UUID, summary: Summary) -> None:
        """Keep a summary of the first turns."""
        if not await self._server.run(scripts.SUMMARISE, str(session_id), json.dumps(asdict(summary))):
            raise no_session(session_id)

    async def rename(self, session_id: UUID, name: str) -> None:
        """Give the session a name of its owner's."""
        renamed: int | None = await self._server.run(scripts.RENAME, str(session_id), json.dumps(name))
        if renamed is None:
            raise no_session(session_id)
        if not renamed:
            raise name_taken(name)

    async def delete(self, session_id: UUID) -> bool:
        """Remove the session and what leads to it."""
        return bool(await self._server.run(scripts.DELETE, str(session_id)))

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""
        start = id_start(reference) or ""
        heads = await self._server.run(scripts.FIND, json.dumps(owner), json.dumps(reference), start, MAX_CANDIDATES)
        return self._infos(heads)

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""
        heads = await self._server.run(scripts.RECENT, json.dumps(owner), limit, offset)
        return self._infos(heads)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()

    async def _change(self, session_id: UUID, change: Callable[[Session], Session], write_id: UUID | None) -> None:
        """Write a session anew; again if another writer was faster. Raises NotFound."""
        async with self._server.in_time():
            replaced = False
            while not replaced:
                document = await self._server.get(_key(session_id))
                if document is None:
                    raise no_session(session_id)
                changed = change(self._read(document, session_id))
                sha1 = hashlib.sha1(document, usedforsecurity=False).hexdigest()
                replaced = await self._server.run(
                    scripts.REPLACE,
                    str(session_id),
                    sha1,
                    document_of(changed),
                    changed.info.turn_count,
                    _text(write_id),
                )

    def _infos(self, heads: Sequence[bytes]) -> Sequence[SessionInfo]:
        try:
            return [info_from(head) for head in heads]
        except MalformedDocument as error:
            raise self._server.foreign(f"a key that begins with {scripts.DOCUMENT_KEY}") from error

    def _read(self, document: bytes, session_id: UUID) -> Session:
        try:
            return session_from(document)
        except MalformedDocument as error:
            raise self._server.foreign(_key(session_id)) from error


def _last_turn_texts(info: SessionInfo | None) -> tuple[str, str]:
    """The last turn as a document's head has it; empty for none."""
    if info is None or not info.turn_count:
        return "", ""
    return str(info.turn_count), time_text(info.updated_at)


def _text(write_id: UUID | None) -> str:
    return "" if write_id is None else str(write_id)


def _key(session_id: UUID) -> str:
    return scripts.DOCUMENT_KEY + str(session_id)


def _micros(moment: datetime) -> int:
    """Microseconds since 1970: a sorted set holds them exactly until the year 2255, as a double has 53 bits."""
    return (moment - EPOCH) // timedelta(microseconds=1)
