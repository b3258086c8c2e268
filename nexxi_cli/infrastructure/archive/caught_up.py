"""CaughtUpArchive: the archive's sessions as of now, with what still waited in the outbox."""

from collections.abc import Sequence
from uuid import UUID

from nexxi_cli.core.ports import Archive
from nexxi_cli.core.types import Session, SessionInfo
from nexxi_cli.infrastructure.archive.outbox import Outbox


class CaughtUpArchive:
    """ArchivedSessions, after whatever this machine has to tell the archive."""

    def __init__(self, outbox: Outbox, archive: Archive) -> None:
        self._outbox = outbox
        self._archive = archive

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its turns, or None."""
        await self._outbox.drain(self._archive)
        return await self._archive.load(session_id)

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""
        await self._outbox.drain(self._archive)
        return await self._archive.find(owner, reference)

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""
        await self._outbox.drain(self._archive)
        return await self._archive.recent(owner, limit=limit, offset=offset)
