"""The values that cross the layers. All are frozen; times are aware UTC datetimes, durations are seconds.

Longer than most: each is a few lines, and most name each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import UUID

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "interrupted", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `finish` is set on a reply that did not end by itself."""

    role: Role
    content: str
    finish: FinishReason | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, counted by the model's own tokenizer."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Timing:
    """What one reply cost, in wall-clock seconds since the pipeline took it, for which it had waited `queued_s`."""

    first_token_s: float | None
    total_s: float
    queued_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one turn took, and what the safety filter found in its question."""

    usage: Usage
    timing: Timing
    finding_types: tuple[str, ...] = ()


NO_COST = Cost(Usage(0, 0), Timing(None, 0.0))


ANY_JSON_OBJECT = '{"type": "object"}'


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. None means: the model's own default.

    temperature: 0 is greedy; top_p: nucleus, Holtzman et al. 2019, arXiv:1904.09751. The reply ends before the first
    of the `stop` strings, none of which is empty. json_schema: the reply is JSON that this schema allows, as JSON text;
    "{}" allows any value, ANY_JSON_OBJECT any object. A reply that ends by its length may be half a document.
    prompt_cache_key: prompts of the same key may share what was computed for the beginning that they have in common;
    None shares nothing.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_new_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    prompt_cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange: what was asked, as redacted, and what was answered."""

    user: Message
    assistant: Message
    model: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session without its messages, as lists show it."""

    session_id: UUID
    owner: str
    created_at: datetime
    updated_at: datetime
    turn_count: int = 0
    name: str | None = None
    title: str | None = None
    model: str | None = None

    @property
    def last_turn(self) -> tuple[int, datetime]:
        """How many turns there are and when the last one came: another pair once a turn has come or gone."""
        return self.turn_count, self.updated_at


@dataclass(frozen=True, slots=True)
class Summary:
    """What the first `turns` turns of a session came to, in the words of a model."""

    turns: int
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation: the system message first, if there is one, then user and assistant in turns."""

    info: SessionInfo
    messages: tuple[Message, ...] = ()
    summary: Summary | None = None

    @property
    def session_id(self) -> UUID:
        """The session's id, a random UUID."""
        return self.info.session_id


NAME_TYPES = frozenset(("LOCATION", "ORGANIZATION", "PERSON"))
"""Types that only a tagger tells, slower and less surely than a rule does: looked for when they are asked for."""


class Finding(NamedTuple):
    """A piece of personal data: characters start to end (exclusive) of the text that was given to the filter.

    A tuple: tens of thousands of them are made and sorted for each megabyte of a text that is full of such data, and
    a frozen dataclass takes six times as long to make.
    """

    start: int
    end: int
    type: str
    confidence: float
    rule: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the safety filter says of a text. `text` is what may go on; the findings' offsets are in the original.

    reasons: why it is not allowed. scores: layer -> how sure it is that the text is bad, from 0 to 1, and
    "moderation.LABEL" -> how sure that layer is of one label. notes: what the layers would have said against it that
    only observe.
    """

    allowed: bool
    text: str
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        """The type of each finding, in their order, then INJECTION and MODERATION if those layers noticed something."""
        layers = {why.partition(": ")[0] for why in (*self.reasons, *self.notes)}
        noticed = (layer.upper() for layer in ("injection", "moderation") if layer in layers)
        return (*(finding.type for finding in self.findings), *noticed)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the service and the front doors may know of a model. `system` is the system prompt it does best with.

    engine: what computes it and how, in words, as far as that is known: once it is loaded.
    """

    name: str
    context_length: int
    system: str | None = None
    engine: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that is known or lies on this machine; `path` is None for one that has to be pulled first."""

    name: str
    source: str
    path: Path | None
    size_bytes: int | None
    parameters: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A loaded model that chats of the same user may use. `host`: `nexxi serve`, or a chat that has left it behind.

    ends_in_s: seconds until it ends if nobody asks it; None for one that stays as long as its server.
    """

    model: str
    pid: int
    host: Literal["serve", "chat"]
    version: str
    quantise: str
    ends_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """Which session a request belongs to: `reference` (a name, an id or its prefix), the last one, or a new one."""

    reference: str | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One message of one owner. `system` replaces the session's system prompt; `save=False` keeps nothing.

    replaces_last: the turn takes the place of the session's last one, which stays until the new one is kept. If another
    writer adds a turn meanwhile, nothing is replaced: the new one comes last.
    history: what was said before, by a caller who keeps it himself: no session is touched and nothing is kept.
    queued_s: how long it has waited for a place. whole: nobody reads the reply before it is there as a whole.
    """

    text: str
    owner: str
    session: SessionChoice = SessionChoice()
    system: str | None = None
    sampling: Sampling = Sampling()
    save: bool = True
    replaces_last: bool = False
    history: tuple[Message, ...] | None = None
    request_id: str = ""
    queued_s: float = 0.0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """First event of a reply: what the pipeline settled before the model was asked."""

    session_id: UUID | None
    model: str
    verdict: Verdict
    dropped_turns: int
    prompt_tokens: int
    summarised_turns: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the reply; the last of a backend carries `finish` and `usage`."""

    text: str
    finish: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """Last event of a reply, and the whole of it. `saved`: whether the session has the turn."""

    text: str
    model: str
    session_id: UUID | None
    finish: FinishReason
    usage: Usage
    timing: Timing
    verdict: Verdict
    saved: bool = True
    dropped_turns: int = 0
    summarised_turns: int = 0
    output_findings: tuple[Finding, ...] = field(default=())


ChatEvent = Started | Delta | ChatResponse
