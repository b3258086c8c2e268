"""CaughtUpArchive: the archive's sessions as of now, with what still waited in the outbox."""

from collections.abc import Callable, Sequence, Set
from uuid import UUID

from nexxi_cli.core.ports import Archive
from nexxi_cli.core.types import Session, SessionInfo
from nexxi_cli.infrastructure.archive.outbox import Outbox
from nexxi_cli.infrastructure.archive.sqlite_list import SqliteList


class CaughtUpArchive:
    """ArchivedSessions, after whatever this machine has to tell the archive."""

    def __init__(self, outbox: Outbox, open_archive: Callable[[], Archive], quick_list: SqliteList | None) -> None:
        """`open_archive` gives the one archive, whose library takes long to load; `quick_list` does without it."""
        self._outbox = outbox
        self._open_archive = open_archive
        self._quick_list = quick_list

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its turns, or None."""
        return await (await self._caught_up()).load(session_id)

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The session of this name or the sessions whose id starts so."""
        return await (await self._caught_up()).find(owner, reference)

    async def recent(self, owner: str, *, limit: int, without: Set[UUID] = frozenset()) -> Sequence[SessionInfo]:
        """The owner's sessions but some, the one that changed last first."""
        if not await self._outbox.waits_only_for(without):
            return await (await self._caught_up()).recent(owner, limit=limit, without=without)
        listed = await self._quick_list.recent(owner, limit=limit, without=without) if self._quick_list else None
        return await self._open_archive().recent(owner, limit=limit, without=without) if listed is None else listed

    async def aclose(self) -> None:
        """Close what is not the archive's own."""
        if self._quick_list is not None:
            await self._quick_list.aclose()

    async def _caught_up(self) -> Archive:
        archive = self._open_archive()
        await self._outbox.drain(archive)
        return archive
