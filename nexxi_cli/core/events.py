"""What the services tell the Observer. Events carry lengths, counts and verdicts, never text that people wrote."""

from dataclasses import dataclass
from uuid import UUID

from nexxi_cli.core.types import FinishReason, Timing, Usage


@dataclass(frozen=True, slots=True)
class RequestScreened:
    """The safety filter has seen a message or a reply. `direction` is "in" or "out"."""

    request_id: str
    direction: str
    allowed: bool
    finding_types: tuple[str, ...]
    chars: int


@dataclass(frozen=True, slots=True)
class HistoryTrimmed:
    """Older turns did not fit into the model's context and were left out of the prompt."""

    request_id: str
    dropped_turns: int


@dataclass(frozen=True, slots=True)
class SummaryStarted:
    """So many turns that do not fit are being summed up before the reply begins, which may take minutes."""

    request_id: str
    turns: int


@dataclass(frozen=True, slots=True)
class SummaryEnded:
    """They are summed up, or will not be: it failed or was cancelled."""

    request_id: str


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """A reply ended, whole or not."""

    request_id: str
    model: str
    finish: FinishReason
    usage: Usage
    timing: Timing


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request ended without a whole reply. `kind` is the error's class name."""

    request_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """A model is ready to answer."""

    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ArchiveDown:
    """The archive has stopped to take turns; they wait in the outbox. Told once for each outage."""

    reason: str


@dataclass(frozen=True, slots=True)
class ArchiveUp:
    """The archive has caught up after an outage of so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ArchiveUnread:
    """A list lacks the sessions that only the archive still has. `reason` is the error's line."""

    reason: str


@dataclass(frozen=True, slots=True)
class StoreDown:
    """The session store has stopped answering or taking writes; once an outage. `reason` is the error's line."""

    reason: str


@dataclass(frozen=True, slots=True)
class TurnSpooled:
    """A turn that the session store did not take is kept on this machine and will be written later."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class StoreUp:
    """The session store answers again and has all turns that waited.

    seconds: since the outage began or, if that was before this process, since its first turn was spooled.
    late_turns: what this process has delivered. moved_turns: how many of them went to another session than their own,
    which had been deleted, or whose name another session had got, meanwhile.
    """

    seconds: float
    late_turns: int
    moved_turns: int


Event = (
    RequestScreened
    | HistoryTrimmed
    | SummaryStarted
    | SummaryEnded
    | ReplyFinished
    | RequestFailed
    | ModelLoaded
    | ArchiveDown
    | ArchiveUp
    | ArchiveUnread
    | StoreDown
    | TurnSpooled
    | StoreUp
)
