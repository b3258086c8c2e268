"""The parts of a conversation whose model, clock and answers are the test's."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import ChatRequest, Delta, Message, ModelInfo, Sampling, Session, SessionChoice
from nexxi_cli.service.conversations import ConversationManager

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class WordBackend:
    """A model whose tokens are words. It answers what the test wrote: deltas, then perhaps an error."""

    def __init__(
        self,
        *,
        context_length: int = 1000,
        system: str | None = None,
        reply: Sequence[Delta] = (),
        error: Exception | None = None,
    ) -> None:
        self.context_length = context_length
        self.system = system
        self.reply = reply
        self.error = error
        self.asked: list[Sequence[Message]] = []
        self.stopped = False
        self.counted: list[Sequence[Message]] = []

    @property
    def is_down(self) -> bool:
        return False

    async def info(self) -> ModelInfo:
        return ModelInfo("words", self.context_length, self.system)

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        self.counted.append(messages)
        return sum(len(message.content.split()) for message in messages)

    async def ready(self) -> None:
        pass

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        self.asked.append(messages)
        try:
            for delta in self.reply:
                yield delta
            if self.error is not None:
                raise self.error
        finally:
            self.stopped = True

    async def aclose(self) -> None:
        pass


class ManualClock:
    """Noon, and a second later each time one looks."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def a_request(
    reference: str | None = None,
    *,
    owner: str = "ada",
    last: bool = False,
    system: str | None = None,
    save: bool = True,
    max_new_tokens: int | None = None,
) -> ChatRequest:
    return ChatRequest(
        text="as it was typed",
        owner=owner,
        session=SessionChoice(reference, last=last),
        system=system,
        sampling=Sampling(max_new_tokens=max_new_tokens),
        save=save,
    )


async def say(
    conversations: ConversationManager, request: ChatRequest, question: str = "Why?", answer: str = "Because."
) -> str:
    """Ask and get a whole answer; return the session's id as one would type it."""
    async with conversations.turn(request, text=question, backend=WordBackend()) as turn:
        turn.add(answer)
        turn.finish("stop")
    return str(turn.session_id)


async def fail(conversations: ConversationManager, request: ChatRequest, *, after: str) -> None:
    """Ask a model that fails once it has said `after`."""
    async with conversations.turn(request, text="Why?", backend=WordBackend()) as turn:
        turn.add(after)
        raise ModelUnavailable("gone")


def texts(session: Session) -> list[str]:
    return [message.content for message in session.messages]
