"""What the archive hears of sessions, and the sessions that only the archive still has. Knows no database."""

from collections.abc import Callable, Sequence, Set
from uuid import UUID

from nexxi_cli.core.archived import (
    ArchivedTurn,
    ArchiveEntry,
    SessionDeleted,
    SessionRenamed,
    SessionTruncated,
    SystemReplaced,
)
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.events import ArchiveUnread
from nexxi_cli.core.ports import ArchivedSessions, Observer, TurnLog
from nexxi_cli.core.types import NO_COST, Cost, Session, SessionInfo, Turn
from nexxi_cli.service.history import turns_of


class Archiving:
    """Tells the log, which outlives any outage of the archive, and asks the archive for what the store has lost.

    Without a log nothing is archived; without an archive the store is taken to forget nothing.
    """

    def __init__(
        self,
        log: TurnLog | None,
        archive: ArchivedSessions | None,
        new_id: Callable[[], UUID],
        observer: Observer | None,
    ) -> None:
        self._log = log
        self._archive = archive
        self._new_id = new_id
        self._observer = observer

    @property
    def has_archive(self) -> bool:
        """Whether there may be sessions that the store no longer has."""
        return self._archive is not None

    async def turn(self, session: Session, number: int, turn: Turn, cost: Cost) -> None:
        """A turn has ended and is the session's `number`th. Raises ArchiveUnavailable if that cannot be noted."""
        await self._tell(self._turn(session, number, turn, cost))

    async def session(self, session: Session) -> None:
        """A session has come whole, from elsewhere or as a copy."""
        info = session.info
        turns = [
            Turn(asked, answered, info.model or "imported", info.updated_at)
            for asked, answered in turns_of(session.messages)
        ]
        await self._tell(*(self._turn(session, number, turn, NO_COST) for number, turn in enumerate(turns, 1)))

    async def truncated(self, session_id: UUID, turn_count: int) -> None:
        """Only the first turns are left."""
        await self._tell(SessionTruncated(self._new_id(), session_id, turn_count))

    async def renamed(self, session_id: UUID, name: str) -> None:
        """The session has another name."""
        await self._tell(SessionRenamed(self._new_id(), session_id, name))

    async def system_replaced(self, session_id: UUID, system: str | None) -> None:
        """The session has another system message."""
        await self._tell(SystemReplaced(self._new_id(), session_id, system))

    async def deleted(self, session_id: UUID) -> None:
        """The session is gone for good."""
        await self._tell(SessionDeleted(self._new_id(), session_id))

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The owner's archived session of this name, or those whose ids begin so."""
        return await self._archive.find(owner, reference) if self._archive else ()

    async def load(self, session_id: UUID) -> Session | None:
        """An archived session."""
        return await self._archive.load(session_id) if self._archive else None

    async def recent_if_up(self, owner: str, *, limit: int, without: Set[UUID]) -> Sequence[SessionInfo]:
        """The owner's archived sessions but some, the one that changed last first; none if the archive is down."""
        try:
            return await self._archive.recent(owner, limit=limit, without=without) if self._archive else ()
        except ArchiveUnavailable as error:
            if self._observer is not None:
                self._observer.notify(ArchiveUnread(str(error)))
            return ()

    async def find_if_up(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """As `find`, but an archive that is down has nothing: it must not keep anyone from talking."""
        try:
            return await self.find(owner, reference)
        except ArchiveUnavailable:
            return ()

    def _turn(self, session: Session, number: int, turn: Turn, cost: Cost) -> ArchivedTurn:
        info = session.info
        system = next((message.content for message in session.messages if message.role == "system"), None)
        return ArchivedTurn(
            turn_id=self._new_id(),
            session_id=info.session_id,
            owner=info.owner,
            number=number,
            session_created_at=info.created_at,
            name=info.name,
            title=info.title,
            system=system,
            question=turn.user.content,
            answer=turn.assistant.content,
            finish=turn.assistant.finish or "stop",
            model=turn.model,
            prompt_tokens=cost.usage.prompt_tokens,
            completion_tokens=cost.usage.completion_tokens,
            first_token_s=cost.timing.first_token_s,
            total_s=cost.timing.total_s,
            finding_types=cost.finding_types,
            created_at=turn.created_at,
        )

    async def _tell(self, *entries: ArchiveEntry) -> None:
        if self._log is not None and entries:
            await self._log.put(entries)
