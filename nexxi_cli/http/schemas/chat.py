"""`POST /v1/chat`."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from nexxi_cli.core.types import ChatRequest, ChatResponse, FinishReason, Sampling, SessionChoice, Started
from nexxi_cli.http.schemas.sampling import SamplingIn
from nexxi_cli.service.findings import types_of


class ChatIn(SamplingIn):
    """One message of a conversation that the server keeps."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"message": "What is the capital of France?"},
                {"message": "And of Spain?", "session_id": "capitals", "stream": True, "temperature": 0},
            ]
        },
    )

    message: str = Field(min_length=1, description="what is said")
    session_id: str | None = Field(
        None, max_length=64, description="id or name of the session; a new name begins one; none: a new session"
    )
    system: str | None = Field(None, description="replaces the session's system prompt")
    stream: bool = Field(default=False, strict=True, description="answer with server-sent events")
    save: bool = Field(default=True, strict=True, description="keep the turn")
    replaces_last: bool = Field(
        default=False, strict=True, description="the turn takes the place of the session's last one"
    )

    def request(self, *, owner: str, default: Sampling, request_id: str) -> ChatRequest:
        """As the service takes it."""
        return ChatRequest(
            text=self.message,
            owner=owner,
            session=SessionChoice(self.session_id),
            system=self.system,
            sampling=self.sampling(default),
            save=self.save,
            replaces_last=self.replaces_last,
            request_id=request_id,
        )


class MessageOut(BaseModel):
    """The reply."""

    role: str = "assistant"
    content: str


class UsageOut(BaseModel):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TimingOut(BaseModel):
    """Seconds."""

    queued_s: float
    first_token_s: float | None
    total_s: float


class SafetyOut(BaseModel):
    """Types of what the safety filter found and dealt with."""

    input: list[str] = Field(examples=[["EMAIL"]])
    output: list[str]


class ChatOut(BaseModel):
    """The whole reply."""

    id: str
    session_id: str | None
    model: str
    message: MessageOut
    finish_reason: FinishReason
    usage: UsageOut
    timing: TimingOut
    dropped_turns: int = Field(description="older turns that did not fit into the model's context")
    summarised_turns: int = Field(description="older turns that the model was told in a summary")
    safety: SafetyOut


def usage_document(response: ChatResponse) -> dict[str, int]:
    """As UsageOut."""
    return {**asdict(response.usage), "total_tokens": response.usage.total_tokens}


def chat_document(response: ChatResponse, *, request_id: str) -> dict[str, Any]:
    """As ChatOut."""
    ending = end_document(response)
    del ending["type"]
    return {
        "id": request_id,
        "session_id": str(response.session_id) if response.session_id else None,
        "model": response.model,
        "message": {"role": "assistant", "content": response.text},
        **ending,
        "dropped_turns": response.dropped_turns,
        "summarised_turns": response.summarised_turns,
    }


def start_document(started: Started, *, request_id: str) -> dict[str, Any]:
    """First event of a stream."""
    return {
        "type": "start",
        "id": request_id,
        "session_id": str(started.session_id) if started.session_id else None,
        "model": started.model,
        "role": "assistant",
        "prompt_tokens": started.prompt_tokens,
        "dropped_turns": started.dropped_turns,
        "summarised_turns": started.summarised_turns,
        "safety": {"input": types_of(started.verdict.findings)},
    }


def delta_document(text: str) -> dict[str, str]:
    """A piece of the reply."""
    return {"type": "delta", "content": text}


def end_document(response: ChatResponse) -> dict[str, Any]:
    """Last event of a stream before [DONE]. The session's id is final only here."""
    return {
        "type": "end",
        "session_id": str(response.session_id) if response.session_id else None,
        "finish_reason": response.finish,
        "usage": usage_document(response),
        "timing": asdict(response.timing),
        "safety": {
            "input": types_of(response.verdict.findings),
            "output": types_of(response.output_findings),
        },
    }
