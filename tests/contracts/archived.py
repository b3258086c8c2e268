"""Turns for the archive's suites."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from nexxi_cli.core.archived import ArchivedTurn
from nexxi_cli.core.ports import Archive
from nexxi_cli.core.types import Session
from tests.contracts.sessions import at


def an_archived_turn(
    question: str = "Why?",
    answer: str = "Because.",
    *,
    session_id: UUID | None = None,
    number: int = 1,
    minute: float | None = None,
    **fields: Any,
) -> ArchivedTurn:
    """A turn at the minute of its number, in a session of the first minute."""
    turn = ArchivedTurn(
        turn_id=uuid4(),
        session_id=session_id or uuid4(),
        owner="ada",
        number=number,
        session_created_at=at(0),
        name=None,
        title=None,
        system=None,
        question=question,
        answer=answer,
        finish="stop",
        model="smollm2-135m",
        prompt_tokens=10,
        completion_tokens=20,
        first_token_s=0.5,
        total_s=2.0,
        finding_types=(),
        created_at=at(number if minute is None else minute),
    )
    return replace(turn, **fields)


def a_conversation(*questions: str, **fields: Any) -> list[ArchivedTurn]:
    """A session in which these questions were asked, a minute apart."""
    fields = {"session_id": uuid4(), **fields}
    return [
        an_archived_turn(question, f"re: {question}", number=number, **fields)
        for number, question in enumerate(questions, start=1)
    ]


async def soon(condition: Callable[[], bool]) -> None:
    """Wait until it is so, for some seconds at the most."""
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it has not come to pass")


async def recorded(archive: Archive, *questions: str, **fields: Any) -> UUID:
    """Record a conversation; return its session's id."""
    conversation = a_conversation(*questions, **fields)
    await archive.record(conversation)
    return conversation[0].session_id


async def questions_in(archive: Archive, session_id: UUID) -> list[str]:
    """What was asked in the session, as the archive has it."""
    return questions_of(await archive.load(session_id))


def questions_of(session: Session | None) -> list[str]:
    assert session is not None
    return [message.content for message in session.messages if message.role == "user"]


async def found_by(archive: Archive, words: str, *, owner: str = "ada", limit: int = 10) -> list[tuple[UUID, int]]:
    """Session and number of each hit."""
    return [(hit.session.session_id, hit.number) for hit in await archive.search(owner, words, limit=limit)]
