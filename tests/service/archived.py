"""An archive in memory that can be down, and a log that remembers."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from nexxi_cli.core.archived import ArchivedTurn, ArchiveEntry, DayStats, SearchHit
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.types import Session, SessionInfo


class Log:
    def __init__(self) -> None:
        self.entries: list[ArchiveEntry] = []

    async def put(self, entries: Sequence[ArchiveEntry]) -> None:
        self.entries += entries

    @property
    def turns(self) -> list[ArchivedTurn]:
        return [entry for entry in self.entries if isinstance(entry, ArchivedTurn)]


class ShelfArchive:
    """Has the sessions that a test puts there."""

    def __init__(self) -> None:
        self.sessions: dict[UUID, Session] = {}
        self.is_down = False

    def put(self, session: Session) -> None:
        turn_count = sum(message.role == "user" for message in session.messages)
        info = replace(session.info, turn_count=turn_count, title=session.info.title or "archived")
        self.sessions[session.session_id] = replace(session, info=info)

    def _of(self, owner: str) -> list[SessionInfo]:
        if self.is_down:
            raise ArchiveUnavailable("down")
        infos = [session.info for session in self.sessions.values() if session.info.owner == owner]
        return sorted(infos, key=lambda info: info.updated_at, reverse=True)

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        infos = self._of(owner)
        named = [info for info in infos if info.name == reference][:1]
        return named or [info for info in infos if str(info.session_id).startswith(reference)]

    async def load(self, session_id: UUID) -> Session | None:
        return self.sessions.get(session_id)

    async def recent(self, owner: str, *, limit: int, without: Set[UUID] = frozenset()) -> Sequence[SessionInfo]:
        return [info for info in self._of(owner) if info.session_id not in without][:limit]

    async def record(self, entries: Sequence[ArchiveEntry]) -> None:
        raise AssertionError("the service writes to the log")

    async def search(self, owner: str, words: str, *, limit: int) -> Sequence[SearchHit]:
        raise AssertionError("nobody searches here")

    async def stats(self, owner: str, *, since: datetime) -> Sequence[DayStats]:
        raise AssertionError("nobody counts here")

    async def delete_before(self, owner: str, moment: datetime) -> int:
        raise AssertionError("nobody deletes here")

    async def check_schema(self) -> None:
        """There is none."""

    async def migrate(self) -> None:
        """There is nothing to do."""

    async def aclose(self) -> None:
        """There is nothing to close."""
