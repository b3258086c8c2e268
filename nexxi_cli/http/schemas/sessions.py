"""`/v1/sessions` and `/v1/redact`."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nexxi_cli.core.types import FinishReason, Role, Verdict

PAGE = 50
MAX_PAGE = 200


class SessionOut(BaseModel):
    """A session without its messages."""

    session_id: str
    name: str | None
    title: str | None
    model: str | None
    turn_count: int
    created_at: datetime
    updated_at: datetime


class SessionMessage(BaseModel):
    """One message; `finish_reason` is stated where a reply did not end by itself."""

    role: Role
    content: str
    finish_reason: FinishReason | None = None


class WholeSessionOut(SessionOut):
    """A session with its messages."""

    messages: list[SessionMessage]


class SessionsOut(BaseModel):
    """A page of sessions, the one that changed last first."""

    object: Literal["list"]
    data: list[SessionOut]
    has_more: bool


class RenameIn(BaseModel):
    """A session's new name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "capitals"}]})

    name: str = Field(min_length=1, max_length=64)


class DeletedOut(BaseModel):
    """What is gone."""

    session_id: str
    deleted: Literal[True]


class RedactIn(BaseModel):
    """A text to redact."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "My mail is ada@example.com."}]})

    text: str
    types: list[str] | None = Field(None, max_length=200, description="look for these alone, such as EMAIL")


class FindingOut(BaseModel):
    """A piece of personal data; offsets are characters of the text that was sent."""

    start: int
    end: int
    type: str
    confidence: float
    rule: str


class RedactOut(BaseModel):
    """The text with placeholders, and what was found."""

    text: str
    findings: list[FindingOut]


def redact_document(verdict: Verdict) -> dict[str, Any]:
    """As RedactOut."""
    return {"text": verdict.text, "findings": [finding._asdict() for finding in verdict.findings]}
