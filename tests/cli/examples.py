"""A reply and a session to print."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from nexxi_cli.core.types import (
    ChatResponse,
    Finding,
    FinishReason,
    Message,
    Session,
    SessionInfo,
    Timing,
    Usage,
    Verdict,
)

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SESSION_ID = UUID("12345678-1234-4234-8234-123456789abc")
EMAIL = Finding(start=5, end=20, type="EMAIL", confidence=1.0, rule="email")


def a_response(text: str = "the reply", *, finish: FinishReason = "stop") -> ChatResponse:
    return ChatResponse(
        text=text,
        model="scripted",
        session_id=SESSION_ID,
        finish=finish,
        usage=Usage(prompt_tokens=10, completion_tokens=5),
        timing=Timing(first_token_s=0.5, total_s=1.5),
        verdict=Verdict(allowed=True, text="asked", findings=(EMAIL,)),
    )


def a_session(*messages: Message, name: str | None = None) -> Session:
    info = SessionInfo(SESSION_ID, "local", NOON, NOON, title="a title", turn_count=len(messages) // 2)
    return Session(replace(info, name=name), messages)
