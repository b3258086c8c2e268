"""A store whose turns are kept on this machine while it is down, and written when it is back. Knows what may wait.

What waits is delivered before anything else is asked of the store, by whichever process comes first. Several may do so
at once without a lock: each write has an id by which the store notices that it is done, also by a call that was given
up and takes effect later, and nobody goes on to a write before the one that it follows is done. So each turn is there
once, and those of a writer are in order. A session that is deleted takes along what waits for it here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID, uuid4

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.core.events import TurnSpooled
from nexxi_cli.core.ports import Observer
from nexxi_cli.core.types import Message, Session, SessionInfo, Summary, Turn
from nexxi_cli.infrastructure.stores.delivery import RepeatableStore, deliver
from nexxi_cli.infrastructure.stores.fields import counted, is_replaced
from nexxi_cli.infrastructure.stores.outage import Outage
from nexxi_cli.infrastructure.stores.spool import Action, Backlog, Spool, only_turn

T = TypeVar("T")


class SpoolingSessionStore:
    """The SessionStore over another one that may go down. A turn that it does not take waits in the spool.

    Only create with one turn and, if this process has seen the session, append, set_system and truncate wait; anything
    else raises StoreUnavailable, and so does loading while something waits that cannot be delivered: the session's end
    would be missing. Lists and deletions are let through, so that a store that is full can be tidied up.
    """

    def __init__(
        self, store: RepeatableStore, spool: Spool, observer: Observer, *, new_id: Callable[[], UUID] = uuid4
    ) -> None:
        self._store = store
        self._spool = spool
        self._observer = observer
        self._new_id = new_id
        self._outage = Outage(observer)
        self._moved: dict[UUID, UUID] = {}
        self._seen: dict[UUID, Session] = {}  # without their turns

    async def create(self, session: Session) -> Session:
        """Keep a new session or return its owner's session of the same name; one with a turn may wait."""
        write_id = self._new_id()
        try:
            return self._see(await self._ask(lambda: self._store.create(session, write_id=write_id)))
        except StoreUnavailable as refusal:
            if only_turn(session) is None:
                raise
            await self._keep_here(refusal, "create", session, write_id)
            return self._see(counted(session))

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its messages in order, or None."""
        session = await self._ask(lambda: self._store.load(self._id(session_id)))
        return None if session is None else self._see(session)

    async def append(self, session_id: UUID, turn: Turn, *, replaces_last_of: SessionInfo | None = None) -> int:
        """Add one turn at the end or put it in the place of the last one, or let that wait.

        Returns the new turn count, as far as it is known.
        """
        write_id = self._new_id()

        def append() -> Awaitable[int]:
            target = self._id(session_id)
            return self._store.append(target, turn, replaces_last_of=replaces_last_of, write_id=write_id)

        try:
            turn_count = await self._ask(append)
        except StoreUnavailable as refusal:
            seen = self._seen_or(refusal, session_id)
            turn_count = seen.info.turn_count + (0 if is_replaced(seen.info, replaces_last_of) else 1)
            session = _with_turn(seen, turn, turn_count=turn_count)
            await self._keep_here(refusal, "append", session, write_id, replaces_last_of=replaces_last_of)
            return self._see(session).info.turn_count
        session_id = self._id(session_id)
        if session_id in self._seen:
            self._see(_with_turn(self._seen[session_id], turn, turn_count=turn_count))
        return turn_count

    async def truncate(self, session_id: UUID, turn_count: int) -> None:
        """Keep the system message and the first `turn_count` turns, or let that wait."""
        assert turn_count >= 0
        write_id = self._new_id()
        try:
            await self._ask(lambda: self._store.truncate(self._id(session_id), turn_count, write_id=write_id))
        except StoreUnavailable as refusal:
            session = self._seen_or(refusal, session_id)
            await self._keep_here(refusal, "truncate", session, write_id, turn_count=turn_count)
        session_id = self._id(session_id)
        if session_id in self._seen:
            self._seen[session_id] = _with_turns(self._seen[session_id], at_most=turn_count)

    async def set_system(self, session_id: UUID, system: str | None) -> None:
        """Replace, add or remove the system message, or let that wait."""
        write_id = self._new_id()
        try:
            await self._ask(lambda: self._store.set_system(self._id(session_id), system, write_id=write_id))
        except StoreUnavailable as refusal:
            session = _with_system(self._seen_or(refusal, session_id), system)
            await self._keep_here(refusal, "set_system", session, write_id)
        session_id = self._id(session_id)
        if session_id in self._seen:
            self._seen[session_id] = _with_system(self._seen[session_id], system)

    async def set_summary(self, session_id: UUID, summary: Summary) -> None:
        """Keep a summary of the first turns."""
        await self._ask(lambda: self._store.set_summary(self._id(session_id), summary))

    async def rename(self, session_id: UUID, name: str) -> None:
        """Give the session a name of its owner's."""
        await self._ask(lambda: self._store.rename(self._id(session_id), name))

    async def delete(self, session_id: UUID) -> bool:
        """Remove the session and what waits for it."""
        is_deleted = await self._ask(lambda: self._store.delete(self._id(session_id)), whatever_waits=True)
        await self._spool.drop({session_id, self._id(session_id)})
        return is_deleted

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""

        def find() -> Awaitable[Sequence[SessionInfo]]:
            moved_to = next((str(self._id(old)) for old in self._moved if str(old) == reference.lower()), reference)
            return self._store.find(owner, moved_to)

        return await self._ask(find, whatever_waits=True)

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""
        return await self._ask(lambda: self._store.recent(owner, limit=limit, offset=offset), whatever_waits=True)

    async def aclose(self) -> None:
        """Close the spool and the store; what waits goes on waiting."""
        await self._spool.aclose()
        await self._store.aclose()

    async def _ask(self, call: Callable[[], Awaitable[T]], *, whatever_waits: bool = False) -> T:
        """Deliver what waits, then call. Raises StoreUnavailable, by the name of the spool if it cannot be read."""
        backlog = await self._spool.backlog()
        refusal = await self._deliver(backlog)
        if refusal is not None and not whatever_waits:
            raise refusal
        try:
            answer = await call()
        except StoreUnavailable as error:
            self._outage.began(error)
            raise
        if refusal is None:
            self._outage.ended()
        return answer

    async def _deliver(self, backlog: Backlog) -> StoreUnavailable | None:
        """Write all that waits, in order; return why the store does not take it, if so."""
        self._moved.update(backlog.moved)
        for waiting in backlog.waiting:
            try:
                went_to = await deliver(self._store, waiting, self._id(waiting.session.session_id))
                is_ours = await self._spool.remove(waiting, went_to=went_to)
            except StoreUnavailable as refusal:
                self._outage.began(refusal)
                return refusal
            is_moved = went_to != waiting.session.session_id
            if is_moved:
                self._moved[waiting.session.session_id] = went_to
            if is_ours and waiting.turn is not None:
                self._outage.delivered(since_s=waiting.since_s, is_moved=is_moved)
        return None

    async def _keep_here(
        self,
        refusal: StoreUnavailable,
        action: Action,
        session: Session,
        write_id: UUID,
        *,
        turn_count: int | None = None,
        replaces_last_of: SessionInfo | None = None,
    ) -> None:
        """Let a write wait. Raises the refusal when the spool cannot be written."""
        try:
            await self._spool.add(
                action, session, write_id=write_id, turn_count=turn_count, replaces_last_of=replaces_last_of
            )
        except StoreUnavailable as unwritable:
            raise refusal from unwritable
        if only_turn(session) is not None:
            self._observer.notify(TurnSpooled(session.session_id))

    def _id(self, session_id: UUID) -> UUID:
        """The session that this one's turns have gone to, if so."""
        while session_id in self._moved:
            session_id = self._moved[session_id]
        return session_id

    def _see(self, session: Session) -> Session:
        self._seen[session.session_id] = replace(session, messages=_system_of(session), summary=None)
        return session

    def _seen_or(self, refusal: StoreUnavailable, session_id: UUID) -> Session:
        """What this process knows of the session. Raises the refusal for one that it has not seen."""
        session = self._seen.get(self._id(session_id))
        if session is None:
            raise refusal
        return session


def _system_of(session: Session) -> tuple[Message, ...]:
    return tuple(message for message in session.messages if message.role == "system")


def _with_turn(session: Session, turn: Turn, *, turn_count: int) -> Session:
    """A session whose turns are left out, and this one, with which it has `turn_count`."""
    info = replace(session.info, updated_at=turn.created_at, model=turn.model, turn_count=turn_count)
    return Session(info, (*session.messages, turn.user, turn.assistant))


def _with_turns(session: Session, *, at_most: int) -> Session:
    turn_count = min(at_most, session.info.turn_count)
    return replace(session, info=replace(session.info, turn_count=turn_count))


def _with_system(session: Session, system: str | None) -> Session:
    return replace(session, messages=() if system is None else (Message("system", system),))
