"""What differs between the databases that hold the archive: how they are reached, locked and searched."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from nexxi_cli.core.archived import ArchivedTurn
from nexxi_cli.infrastructure.archive.words import Phrase

CANDIDATES = 1000
"""When more turns match than this, only the newest so many are ranked: a common word costs no more than a rare one."""


class Database(Protocol):
    """One database. Errors of its library pass through: Transactions asks `complaint` what they mean."""

    engine: AsyncEngine
    place: str
    """Names the database in errors, without user and password."""
    migrates_itself: bool
    day: str
    """SQL for the UTC day of a turn, as ISO 8601."""

    async def prepare(self) -> None:
        """Make it possible to connect. Raises ArchiveUnavailable."""

    def complaint(self, error: BaseException | None) -> str:
        """What the library's error says, and what to try, in one line without secrets."""

    async def lock(self, connection: AsyncConnection, ids: Iterable[UUID]) -> None:
        """Until the transaction ends, let no other writer at the sessions of these ids."""

    async def add_words(self, connection: AsyncConnection, turns: Mapping[int, ArchivedTurn]) -> None:
        """Make turns, by their keys, ready to be searched."""

    async def remove_words(self, connection: AsyncConnection, keys: Sequence[int]) -> None:
        """Forget the words of these turns."""

    async def search(
        self, connection: AsyncConnection, owner: str, phrases: Sequence[Phrase], limit: int
    ) -> Sequence[tuple[int, float]]:
        """Keys and ranks of the owner's turns that have all phrases, the best first."""
