"""What a model server is to the pool: a completion is asked of it, chunks come back. Knows nobody's API."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nexxi_cli.core.types import FinishReason, Message, Sampling, Usage
from nexxi_cli.infrastructure.model_server.breaker import Breaker

Models = Mapping[str, int | None]
"""Their names and, where the server tells them, their context lengths in tokens."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One reply that is wanted, of at most `max_tokens`.

    cache_salt: what was computed for a prompt may be used again for one of the same salt only.
    """

    model: str
    messages: Sequence[Message]
    sampling: Sampling
    max_tokens: int
    cache_salt: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one event adds to a reply."""

    text: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None


class ModelServer(Protocol):
    """One server. `running` is how many replies it is writing for us."""

    url: str
    breaker: Breaker
    running: int

    async def models(self) -> Models:
        """What it has. Raises ModelServerUnavailable, Overloaded and NotAuthorised."""

    async def count_tokens(self, model: str, messages: Sequence[Message]) -> int | None:
        """Length of their prompt, or None: it cannot tell, or does not answer."""

    def stream(self, wanted: Completion) -> AsyncGenerator[Chunk, None]:
        """The chunks of one reply; closing the iterator closes the connection, which stops the model.

        Raises ModelServerUnavailable, of a reply that breaks off too, Overloaded, NotAuthorised and UsageError.
        """
