"""What the services tell the Observer. Events carry lengths, counts and verdicts, never text that people wrote.

Longer than most: each is a few lines, and all are found in one place.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from nexxi_cli.core.types import FinishReason, Timing, Usage

QuotaLimit = Literal["requests", "tokens", "address"]


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
class TurnKept:
    """A turn is in the session store; `new_session`: it is the first one of a session that began with it."""

    new_session: bool


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


@dataclass(frozen=True, slots=True)
class RequestServed:
    """An HTTP request has been answered, or its client is gone (status 499). `route` is the path's template.

    error: the kind in the error envelope, if it was one. Seconds and tokens are None where there was no reply.
    reason: the error's line where something of ours was down, which the client is not told.
    """

    request_id: str
    method: str
    route: str
    status: int
    key_name: str | None
    error: str | None
    seconds: float
    queued_s: float | None = None
    first_token_s: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """So many requests are being answered, and so many wait for a place."""

    running: int
    waiting: int


@dataclass(frozen=True, slots=True)
class RequestAdmitted:
    """A request has got its place after so many seconds."""

    request_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class QuotaRefused:
    """A request was over a limit: "requests" or "tokens" of its key, or "address", of a client without a valid one."""

    limit: QuotaLimit


@dataclass(frozen=True, slots=True)
class KeysDown:
    """The keys cannot be read; those known so far go on to hold. Told once for each outage."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeysUp:
    """The keys can be read again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ModelServerDown:
    """A model server has failed so often that it is left out; once an outage. `down`: how many are, with this one."""

    server: str
    reason: str
    down: int


@dataclass(frozen=True, slots=True)
class ModelServerUp:
    """A model server answers again, after so many seconds; `down` others do not."""

    server: str
    seconds: float
    down: int


@dataclass(frozen=True, slots=True)
class WorkerReplaced:
    """This process takes the place of a worker that has died, which it had done as `reason` says."""

    reason: str


@dataclass(frozen=True, slots=True)
class WarmEngineUsed:
    """The model is a loaded one, in the process `pid` of the same user."""

    model: str
    pid: int


@dataclass(frozen=True, slots=True)
class WarmEngineLost:
    """There is no such process any more, or it could not be started: this one loads the model itself."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class EngineShared:
    """Chats of the same user find the model of this server."""

    model: str


@dataclass(frozen=True, slots=True)
class EngineNotShared:
    """They do not: another process has the place, or there is none for it."""

    model: str
    reason: str


Event = (
    RequestScreened
    | HistoryTrimmed
    | SummaryStarted
    | SummaryEnded
    | ReplyFinished
    | TurnKept
    | RequestFailed
    | ModelLoaded
    | ArchiveDown
    | ArchiveUp
    | ArchiveUnread
    | StoreDown
    | TurnSpooled
    | StoreUp
    | RequestServed
    | QueueChanged
    | RequestAdmitted
    | QuotaRefused
    | KeysDown
    | KeysUp
    | ModelServerDown
    | ModelServerUp
    | WorkerReplaced
    | WarmEngineUsed
    | WarmEngineLost
    | EngineShared
    | EngineNotShared
)
