"""An archive whose moods are the test's."""

import asyncio
from collections.abc import Sequence, Set
from datetime import datetime
from uuid import UUID

from nexxi_cli.core.archived import ArchiveEntry, DayStats, SearchHit
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.types import Session, SessionInfo


class MoodyArchive:
    """Takes entries and keeps them in a list, unless it is `down`; `stuck` makes it hold on until it is cancelled."""

    def __init__(self) -> None:
        self.taken: list[ArchiveEntry] = []
        self.batches: list[int] = []
        self.calls = 0
        self.down = False
        self.stuck = False

    async def record(self, entries: Sequence[ArchiveEntry]) -> None:
        self.calls += 1
        if self.stuck:
            await asyncio.Event().wait()
        if self.down:
            raise ArchiveUnavailable("the archive is down")
        self.batches.append(len(entries))
        self.taken.extend(entries)

    async def load(self, session_id: UUID) -> Session | None:
        raise NotImplementedError

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        raise NotImplementedError

    async def recent(self, owner: str, *, limit: int, without: Set[UUID] = frozenset()) -> Sequence[SessionInfo]:
        raise NotImplementedError

    async def search(self, owner: str, words: str, *, limit: int) -> Sequence[SearchHit]:
        raise NotImplementedError

    async def stats(self, owner: str, *, since: datetime) -> Sequence[DayStats]:
        raise NotImplementedError

    async def delete_before(self, owner: str, moment: datetime) -> int:
        raise NotImplementedError

    async def check_schema(self) -> None:
        raise NotImplementedError

    async def migrate(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        """There is nothing to close."""
