"""What the services need from outside, in the services' words. Adapters implement these; `wiring` chooses them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from nexxi_cli.core.archived import ArchiveEntry, DayStats, SearchHit
from nexxi_cli.core.events import Event
from nexxi_cli.core.types import Delta, Finding, Message, ModelInfo, Sampling, Session, SessionInfo, Turn


class ModelBackend(Protocol):
    """A chat model. Every method raises ModelUnavailable when the model cannot be reached, read or run."""

    async def info(self) -> ModelInfo:
        """Name and context length; waits until the model's configuration is known."""

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Length of the prompt that `messages` make in the model's own template, with the reply's opening."""

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[Delta]:
        """Answer `messages`. The last delta carries `finish` and `usage`.

        Closing the iterator stops the model within one token.
        """

    async def aclose(self) -> None:
        """Stop what runs and free the model."""


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
        """Keep a new session and return it.

        If its owner already has a session of the same name, nothing is kept and that one is returned.
        """

    async def load(self, session_id: UUID) -> Session | None:
        """The session with its messages in order, or None."""

    async def append(self, session_id: UUID, turn: Turn) -> int:
        """Add one turn at the end, atomically among all writers; return the new turn count.

        The session takes the turn's model and time; without a title it takes one from the turn's question.
        Raises NotFound when there is no such session.
        """

    async def truncate(self, session_id: UUID, turn_count: int) -> None:
        """Keep the system message and the first `turn_count` turns. Raises NotFound."""

    async def set_system(self, session_id: UUID, system: str | None) -> None:
        """Replace, add or (None) remove the system message. Raises NotFound."""

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


class Archive(Protocol):
    """Where every finished turn is kept for good. Every method raises ArchiveUnavailable, within about 2 seconds.

    The archive knows an owner as a mere label: whoever calls decides what an owner may see.
    """

    async def record(self, entries: Sequence[ArchiveEntry]) -> None:
        """Apply `entries` in this order, all or none; one that was applied before is ignored, whatever came since.

        A turn takes the place of one of the same number. The newest turn says what its session is called. Changes of
        a session that the archive does not have are ignored, and so are turns of a session that was deleted.
        """

    async def load(self, session_id: UUID) -> Session | None:
        """The session with the turns that the archive has of it, in order, or None."""

    async def find(self, owner: str, reference: str) -> Sequence[SessionInfo]:
        """The owner's session of this name or, when there is none, at most 10 whose id starts with `reference`.

        Sessions that lived one after the other may share a name: then it is the one that changed last.
        """

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""

    async def search(self, owner: str, words: str, *, limit: int) -> Sequence[SearchHit]:
        """The owner's turns that have all these words in question and answer together, the best first.

        Nothing in `words` is syntax. Case and accents do not count; what is joined (`foo.bar`) has to stand together.
        """

    async def stats(self, owner: str, *, since: datetime) -> Sequence[DayStats]:
        """What the owner's turns since then cost, by UTC day and model, the newest day first."""

    async def delete_before(self, owner: str, moment: datetime) -> int:
        """Remove the owner's sessions that have not changed since `moment`; return how many they were."""

    async def check_schema(self) -> None:
        """Raises ArchiveUnavailable, which says what to do, unless the tables are those that this program knows."""

    async def migrate(self) -> None:
        """Make the tables, or bring older ones up to date. May take as long as it takes."""

    async def aclose(self) -> None:
        """Close connections and files."""


class Recognizer(Protocol):
    """Finds one family of personal data."""

    def find(self, text: str) -> Iterable[Finding]:
        """Findings in any order; they may overlap. Linear in len(text)."""

    @property
    def max_chars(self) -> int:
        """Longest match in characters: what a stream has to hold back at most."""


class Observer(Protocol):
    """Hears what happened; must return at once and never raise."""

    def notify(self, event: Event) -> None:
        """Take note of `event`."""
