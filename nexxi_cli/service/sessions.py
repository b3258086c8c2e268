"""The sessions of every owner: found, listed, renamed, copied, removed. Knows the store and the archive behind it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.ports import ArchivedSessions, Observer, SessionStore, TurnLog
from nexxi_cli.core.types import Session, SessionChoice, SessionInfo
from nexxi_cli.service.archiving import Archiving
from nexxi_cli.service.references import check_name, check_reference, is_id, may_be_id, whole_id

PURGE_PAGE = 500


class Sessions:
    """What an owner can do with sessions but talk. An owner never learns that another's session exists."""

    def __init__(
        self,
        store: SessionStore,
        *,
        log: TurnLog | None = None,
        archive: ArchivedSessions | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], UUID] = uuid4,
        observer: Observer | None = None,
    ) -> None:
        """`log` hears of every change; `archive` has the sessions that the store no longer has."""
        self._store = store
        self._archiving = Archiving(log, archive, new_id, observer)
        self._clock = clock
        self._new_id = new_id

    async def find(self, owner: str, reference: str) -> Session:
        """The session of this name or id. Raises NotFound, and UsageError if several ids begin so."""
        session, _ = await self._find(owner, reference)
        return session

    async def resume(self, owner: str, choice: SessionChoice) -> Session | None:
        """The session that a message of this choice continues; None when it begins a new one.

        Raises UsageError for a reference that can be none, NotFound for an id that no session of the owner's has.
        """
        found = await self._resume(owner, choice)
        return found[0] if found else None

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, those too that only the archive still has, the one that changed last first.

        An archive that is down is an ArchiveUnread event: what the store has is listed.
        """
        if not self._archiving.has_archive:
            return await self._store.recent(owner, limit=limit, offset=offset)
        live = await self._store.recent(owner, limit=offset + limit)
        live_ids = {info.session_id for info in live}  # the store knows better what they are
        archived = await self._archiving.recent_if_up(owner, limit=offset + limit, without=live_ids)
        newest = sorted((*live, *archived), key=lambda info: (info.updated_at, info.session_id), reverse=True)
        return newest[offset : offset + limit]

    async def delete(self, owner: str, reference: str) -> SessionInfo:
        """Remove a session, from the archive too; return what it was. Raises as `find` does."""
        session, is_stored = await self._find(owner, reference)
        if is_stored:
            await self._store.delete(session.session_id)
        await self._archiving.deleted(session.session_id)
        return session.info

    async def rename(self, owner: str, reference: str, name: str) -> SessionInfo:
        """Name a session. Raises as `find` does, and UsageError for a name that is taken or cannot be one."""
        check_name(name)
        session, is_stored = await self._find(owner, reference)
        if is_stored:
            await self._store.rename(session.session_id, name)
        await self._archiving.renamed(session.session_id, name)
        return replace(session.info, name=name)

    async def undo(self, owner: str, reference: str) -> str:
        """Take the last turn back and return what was asked. Raises as `find` does, UsageError without a turn."""
        session, is_stored = await self._find(owner, reference)
        questions = [message.content for message in session.messages if message.role == "user"]
        if not questions:
            raise UsageError(f"the session {reference!r} has no turn to take back")
        if is_stored:
            await self._store.truncate(session.session_id, len(questions) - 1)
        await self._archiving.truncated(session.session_id, len(questions) - 1)
        return questions[-1]

    async def add(self, session: Session) -> Session:
        """Keep a session that comes whole: a copy or an import. Raises UsageError if its name is taken."""
        if session.info.name is not None:
            check_name(session.info.name)
        created = await self._store.create(session)
        if created.session_id != session.session_id:
            raise UsageError(f"another session is already called {session.info.name!r}")
        await self._archiving.session(created)
        return created

    async def fork(self, owner: str, reference: str, *, turn_count: int | None, name: str | None) -> Session:
        """A new session that begins with the first turns of another, all of them by default.

        Raises as `find` does, and UsageError for more turns than there are and for a name that is taken.
        """
        session = await self.find(owner, reference)
        if turn_count is not None and not 0 < turn_count <= session.info.turn_count:
            raise UsageError(f"{reference!r} has turns 1 to {session.info.turn_count}, not {turn_count}")
        now = self._clock()
        surplus = 2 * (session.info.turn_count - (turn_count or session.info.turn_count))
        info = replace(session.info, session_id=self._new_id(), created_at=now, updated_at=now, name=name)
        return await self.add(Session(info, session.messages[: len(session.messages) - surplus]))

    async def purge(self, owner: str, *, before: datetime) -> int:
        """Remove the owner's sessions in the store that have not changed since; return how many they were."""
        old: list[UUID] = []
        offset = 0
        while page := await self._store.recent(owner, limit=PURGE_PAGE, offset=offset):
            old += (info.session_id for info in page if info.updated_at < before)
            offset += len(page)
        for session_id in old:
            await self._store.delete(session_id)
            await self._archiving.deleted(session_id)
        return len(old)

    async def _resume(self, owner: str, choice: SessionChoice) -> tuple[Session, bool] | None:
        if choice.reference is not None:
            found = await self._lookup(owner, choice.reference)
            if found is None and is_id(choice.reference):
                raise _not_found(choice.reference)
            return found
        newest = await self._store.recent(owner, limit=1) if choice.last else ()
        session = await self._store.load(newest[0].session_id) if newest else None
        return None if session is None else (session, True)

    async def _revived(self, session: Session) -> Session:
        """Put a session that only the archive still has back into the store, without its name if that is taken."""
        created = await self._store.create(session)
        if created.session_id == session.session_id:
            return created
        return await self._store.create(replace(session, info=replace(session.info, name=None)))

    async def _find(self, owner: str, reference: str) -> tuple[Session, bool]:
        found = await self._lookup(owner, reference)
        if found is None:
            raise _not_found(reference)
        return found

    async def _lookup(self, owner: str, reference: str) -> tuple[Session, bool] | None:
        """The session, and whether it is in the store; else it is in the archive alone."""
        check_reference(reference)
        session_id = whole_id(reference)
        live = await self._store.load(session_id) if session_id else None
        if live is not None:
            return (live, True) if live.info.owner == owner else None
        infos = await self._store.find(owner, reference)
        is_stored = bool(infos)
        if not is_stored:
            ask = self._archiving.find if is_id(reference) else self._archiving.find_if_up
            infos = await ask(owner, reference)
        if not infos or not (infos[0].name == reference or may_be_id(reference)):
            return None
        if len(infos) > 1:
            candidates = ", ".join(str(info.session_id) for info in infos)
            raise UsageError(f"{reference!r} is the beginning of several ids: {candidates}")
        load = self._store.load if is_stored else self._archiving.load
        session = await load(infos[0].session_id)
        return None if session is None else (session, is_stored)


def _not_found(reference: str) -> NotFound:
    return NotFound(f"there is no session {reference!r}; `nexxi sessions list` shows yours")
