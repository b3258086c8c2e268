"""What the services tell the Observer. Events carry lengths, counts and verdicts, never text that people wrote."""

from dataclasses import dataclass

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


Event = RequestScreened | HistoryTrimmed | ReplyFinished | RequestFailed | ModelLoaded | ArchiveDown | ArchiveUp
