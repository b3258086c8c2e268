"""Sessions and turns for the store's suites."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from nexxi_cli.core.ports import Archive, SessionStore
from nexxi_cli.core.types import FinishReason, Message, Session, SessionInfo, Turn

DAWN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def at(minute: float) -> datetime:
    return DAWN + timedelta(minutes=minute)


def a_session(
    *,
    owner: str = "ada",
    name: str | None = None,
    system: str | None = None,
    minute: float = 0,
    session_id: UUID | None = None,
) -> Session:
    info = SessionInfo(session_id or uuid4(), owner, at(minute), at(minute), name=name)
    return Session(info, () if system is None else (Message("system", system),))


def a_turn(
    question: str = "Why?", answer: str = "Because.", *, finish: FinishReason | None = None, minute: float = 1
) -> Turn:
    return Turn(Message("user", question), Message("assistant", answer, finish), "smollm2-135m", at(minute))


def texts(session: Session | None) -> list[str]:
    assert session is not None
    return [message.content for message in session.messages]


async def kept(store: SessionStore, session: Session, *questions: str) -> UUID:
    """Keep a session with these questions asked in it, a minute apart."""
    await store.create(session)
    for minute, question in enumerate(questions, start=1):
        await store.append(session.session_id, a_turn(question, f"re: {question}", minute=minute))
    return session.session_id


async def found(store: SessionStore | Archive, session_id: UUID) -> Session:
    session = await store.load(session_id)
    assert session is not None
    return session
