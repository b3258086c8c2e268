"""What the services need from outside, in the services' words. Adapters implement these; `wiring` chooses them.

Longer than most: all that a new adapter can be is found in one place.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from nexxi_cli.core.types import (
    Delta,
    Finding,
    ListedModel,
    Message,
    ModelInfo,
    Sampling,
    Session,
    SessionInfo,
    Summary,
    Turn,
)

if TYPE_CHECKING:  # dozens of dataclasses, which take `redact` a tenth of its start
    from nexxi_cli.core.access import Allowance, ApiKey
    from nexxi_cli.core.archived import ArchiveEntry, DayStats, SearchHit
    from nexxi_cli.core.events import Event


class ModelBackend(Protocol):
    """A chat model. Every method raises ModelUnavailable when the model cannot be reached, read or run."""

    @property
    def is_down(self) -> bool:
        """Whether the last that was heard of the model is that it does not answer. Asks nobody."""

    async def info(self) -> ModelInfo:
        """Name and context length; waits until the model's configuration is known. Once ready, the engine too."""

    async def ready(self) -> None:
        """Wait until the model can answer at once."""

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        """Length of the prompt that `messages` make in the model's own template, with the reply's opening.

        For whoever only wants to know whether that is within `budget` it may be an estimate, on the same side of it.
        """

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        """Answer `messages`. The last delta carries `finish` and `usage`.

        Closing the iterator stops the model within one token. Raises UsageError, before the first delta, for a JSON
        schema that cannot be followed.
        """

    async def aclose(self) -> None:
        """Stop what runs and free the model."""


class ModelLibrary(Protocol):
    """The models of this machine. Synchronous: for commands, or in a thread."""

    def list(self) -> Sequence[ListedModel]:
        """The known models and whatever else is here."""

    def find(self, name: str) -> ListedModel:
        """One of them by its name. Raises NotFound."""

    def pull(self, name: str) -> Path:
        """Make the model ready to load; return where it lies.

        Raises NotFound, NotAuthorised, UnsupportedModel, ModelUnavailable and OutOfSpace.
        """

    def damaged_files(self, name: str) -> Sequence[str]:
        """Files of a model whose content has changed since it was converted. Reads all of them."""

    def remove(self, name: str) -> None:
        """Delete the model from the disk. Raises NotFound."""


class Progress(Protocol):
    """Shows how far a long step has come. Called from any thread."""

    def step(self, label: str, total: int | None) -> None:
        """A new step begins: `total` units of work (bytes, tensors), or None when nobody knows."""

    def advance(self, amount: int) -> None:
        """So much more of the current step is done."""

    def done(self) -> None:
        """All steps are over; nothing stays on the screen."""


class SessionStore(Protocol):
    """Where live sessions are kept. Every method raises StoreUnavailable when the store does not answer in time.

    The store knows an owner as a mere label: whoever calls decides what an owner may see.
    """

    async def create(self, session: Session) -> Session:
        """Keep a new session, without its summary, and return it.

        If its owner already has a session of the same name, nothing is kept and that one is returned.
        """

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its messages in order, or None."""

    async def append(self, session_id: UUID, turn: Turn, *, replaces_last_of: SessionInfo | None = None) -> int:
        """Add one turn at the end, atomically among all writers; return the new turn count, which is its number.

        The session takes the turn's model and time; without a title it takes one from the turn's question.
        `replaces_last_of` is the session as the caller knows it: if no turn has come or gone since, the turn takes the
        place of its last one, in the same step; else, and where there is no turn to replace, it is added.
        Raises NotFound when there is no such session.
        """

    async def truncate(self, session_id: UUID, turn_count: int) -> None:
        """Keep the system message and the first `turn_count` turns, which is no negative number. Raises NotFound."""

    async def set_system(self, session_id: UUID, system: str | None) -> None:
        """Replace, add or (None) remove the system message. Raises NotFound."""

    async def set_summary(self, session_id: UUID, summary: Summary) -> None:
        """Keep a summary with the session, until a turn that it sums up goes or is replaced. Raises NotFound."""

    async def rename(self, session_id: UUID, name: str) -> None:
        """Give the session a name of its owner's. Raises NotFound, and UsageError when the name is taken."""

    async def delete(self, session_id: UUID) -> bool:
        """Remove the session; False when there was none."""

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The owner's session of this name or, when there is none, at most 10 whose id starts with `reference`."""

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""

    async def aclose(self) -> None:
        """Close connections and files."""


class TurnLog(Protocol):
    """Takes what the archive has to hear, at once and for sure, whether the archive is up or not."""

    async def put(self, entries: "Sequence[ArchiveEntry]") -> None:
        """Note entries, in this order. Raises ArchiveUnavailable when they cannot be noted."""


class ArchivedSessions(Protocol):
    """The sessions that the archive has. Every method raises ArchiveUnavailable, within about 2 seconds."""

    async def load(self, session_id: UUID) -> Session | None:
        """The session with the turns that the archive has of it, in order, or None."""

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The owner's session of this name or, when there is none, at most 10 whose id starts with `reference`.

        Sessions that lived one after the other may share a name: then it is the one that changed last.
        """

    async def recent(self, owner: str, *, limit: int, without: Set[UUID] = frozenset()) -> Sequence[SessionInfo]:
        """The owner's sessions but those of these ids, the one that changed last first."""


class Archive(ArchivedSessions, Protocol):
    """Where every finished turn is kept for good. Every method raises ArchiveUnavailable, within about 2 seconds.

    The archive knows an owner as a mere label: whoever calls decides what an owner may see.
    """

    async def record(self, entries: "Sequence[ArchiveEntry]") -> None:
        """Apply `entries` in this order, all or none; one that was applied before is ignored, whatever came since.

        A turn takes the place of one of the same number. The newest turn says what its session is called. Changes of
        a session that the archive does not have are ignored, and so are turns of a session that was deleted.
        """

    async def search(self, owner: str, words: str, *, limit: int) -> "Sequence[SearchHit]":
        """The owner's turns that have all these words in question and answer together, the best first.

        Nothing in `words` is syntax. Case and accents do not count; what is joined (`foo.bar`) has to stand together.
        """

    async def stats(self, owner: str, *, since: datetime) -> "Sequence[DayStats]":
        """What the owner's turns since then cost, by UTC day and model, the newest day first."""

    async def delete_before(self, owner: str, moment: datetime) -> int:
        """Remove the owner's sessions that have not changed since `moment`; return how many they were."""

    async def check_schema(self) -> None:
        """Raises ArchiveUnavailable, which says what to do, unless the tables are those that this program knows."""

    async def migrate(self) -> None:
        """Make the tables, or bring older ones up to date. May take as long as it takes."""

    async def aclose(self) -> None:
        """Close connections and files."""


class KeyStore(Protocol):
    """The keys of the API. Every method raises ArchiveUnavailable, within about 2 seconds: they lie in its database."""

    async def all(self) -> "Sequence[ApiKey]":
        """Every key that was ever made, the oldest first."""

    async def add(self, key: "ApiKey") -> None:
        """Keep a new key."""

    async def change(self, key: "ApiKey") -> None:
        """Keep another state of the key with this id; a revocation is never taken back. Raises NotFound."""

    async def aclose(self) -> None:
        """Close connections and files."""


class RateLimiter(Protocol):
    """Counts amounts in sliding windows of one minute, for all workers that share it.

    At no moment do the amounts of the last minute come to more than the limit, however many ask at once. Every method
    raises StoreUnavailable.
    """

    async def take(self, name: str, *, limit: int, amount: int = 1) -> "Allowance":
        """Book `amount` under `name` if it is free, all or nothing. An amount of 0 asks only."""

    async def settle(self, name: str, allowance: "Allowance", *, amount: int) -> None:
        """Correct what was granted by `amount`: negative gives back, positive books more, beyond the limit too."""

    async def aclose(self) -> None:
        """Close connections."""


class Recognizer(Protocol):
    """Finds one family of personal data, in a whole text or in one whose rest is still to come."""

    @property
    def types(self) -> frozenset[str]:
        """Every type that its findings can have."""

    @property
    def max_chars(self) -> int:
        """Longest match in characters: what a stream has to hold back at most."""

    def find(self, text: str, start: int = 0) -> Iterable[Finding]:
        """Findings that begin at `start` or later, in any order; they may overlap. Linear in len(text).

        What stands before `start` is context, of which it may look at 64 characters at the most. Begun anew at a
        `start` that is inside no finding, it finds what it would have found from there on anyway.
        """

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a match may begin that text to come can complete, lengthen or undo.

        len(text) when there is none. What begins before that place is final.
        """


class PseudonymLedger(Protocol):
    """Where placeholders such as <EMAIL_1> and what they stand for are kept, for all who write at the same time."""

    def begin(self) -> Sequence[tuple[str, str]]:
        """Shut others out until `commit`; returns the placeholders and values that were added since the last call.

        Raises NotAuthorised for a wrong key, NexxiError when it cannot be read.
        """

    def commit(self, entries: Sequence[tuple[str, str]]) -> None:
        """Add all of the entries or none, and let others in. Raises OutOfSpace, NexxiError."""

    def sync(self) -> None:
        """Have all that was added where it outlasts a power cut. Raises OutOfSpace."""


class ValueCipher(Protocol):
    """Seals values so that the same value of a type always looks the same, and opens them."""

    def seal(self, type_: str, value: str) -> str:
        """Letters, digits, - and _ that stand for `value`."""

    def open(self, type_: str, token: str) -> str | None:
        """What was sealed; None where the key is another one, or the token is none."""


class Observer(Protocol):
    """Hears what happened; must return at once and never raise."""

    def notify(self, event: "Event") -> None:
        """Take note of `event`."""
