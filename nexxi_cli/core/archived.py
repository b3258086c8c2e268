"""What the archive is told, and what it tells. Times are aware UTC datetimes, durations are seconds."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from nexxi_cli.core.types import FinishReason, SessionInfo

MATCH_START, MATCH_END = "\x02", "\x03"
"""Around each match in a snippet; the snippet's own text never holds them."""


@dataclass(frozen=True, slots=True)
class ArchivedTurn:
    """A finished turn, with what its session was called at that moment.

    number: the turn's place in its session, from 1; finding_types: what the safety filter found in the question.
    """

    turn_id: UUID
    session_id: UUID
    owner: str
    number: int
    session_created_at: datetime
    name: str | None
    title: str | None
    system: str | None
    question: str
    answer: str
    finish: FinishReason
    model: str
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float | None
    total_s: float
    finding_types: tuple[str, ...]
    created_at: datetime

    @property
    def entry_id(self) -> UUID:
        """By which the archive knows that it has applied this entry."""
        return self.turn_id


@dataclass(frozen=True, slots=True)
class SessionTruncated:
    """Only the first `turn_count` turns of the session are left."""

    entry_id: UUID
    session_id: UUID
    turn_count: int


@dataclass(frozen=True, slots=True)
class SessionRenamed:
    """The session has a new name."""

    entry_id: UUID
    session_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class SystemReplaced:
    """The session has another system message, or (None) none."""

    entry_id: UUID
    session_id: UUID
    system: str | None


@dataclass(frozen=True, slots=True)
class SessionDeleted:
    """The session was removed for good: turns of it that arrive later are not kept."""

    entry_id: UUID
    session_id: UUID


ArchiveEntry = ArchivedTurn | SessionTruncated | SessionRenamed | SystemReplaced | SessionDeleted


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A turn that was searched for. `rank` is higher for a better match; ranks of two searches do not compare."""

    session: SessionInfo
    number: int
    snippet: str
    rank: float


@dataclass(frozen=True, slots=True)
class DayStats:
    """What the turns of one owner, UTC day and model cost together.

    first_token_s: mean over the turns that had a first token, or None; tokens_per_s: speed after the first token.
    """

    day: date
    model: str
    turns: int
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float | None
    tokens_per_s: float | None
