"""`POST /v1/chat/completions`, as OpenAI's API reference has it (platform.openai.com/docs/api-reference/chat).

A parameter that changes nothing at the value it has is let through; any other that is not here is refused by name.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nexxi_cli.core.types import ChatRequest, ChatResponse, FinishReason, Message, Role, Sampling
from nexxi_cli.http.schemas.chat import UsageOut, usage_document
from nexxi_cli.http.schemas.sampling import SamplingIn, Whole

WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0, None),
    "presence_penalty": (0, None),
    "logit_bias": ({}, None),
    "logprobs": (False, None),
    "top_logprobs": (0, None),
    "tools": ([], None),
    "tool_choice": ("none", "auto", None),
    "functions": ([], None),
    "function_call": ("none", "auto", None),
    "parallel_tool_calls": (True, False, None),
    "store": (False, None),
    "metadata": ({}, None),
    "modalities": (["text"], None),
    "service_tier": ("auto", "default", None),
    "prediction": (None,),
    "audio": (None,),
    "reasoning_effort": (None,),
    "verbosity": (None,),
    "web_search_options": (None,),
    "prompt_cache_key": (None,),
    "safety_identifier": (None,),
}

Nothing = Annotated[list[Any], Field(max_length=0)]

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class TextPart(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str


class MessageIn(BaseModel):
    """One message. Texts only: no images, no tools. What a client adds to a reply that it sends back may be there."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: None = None
    refusal: None = None
    annotations: Nothing | None = None
    audio: None = None
    function_call: None = None
    tool_calls: Nothing | None = None
    parsed: Any = Field(None, description="ignored: what OpenAI's package made of `content`")

    def message(self) -> Message:
        """As the service takes it."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message(ROLES[self.role], text)


class StreamOptions(BaseModel):
    """What a stream carries besides the reply."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool | None = Field(
        default=False, strict=True, description="one more chunk, with the usage, before [DONE]"
    )


class ChatCompletionIn(SamplingIn):
    """A conversation that the client keeps; nothing of it is stored."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "smollm2-135m",
                    "messages": [{"role": "user", "content": "What is the capital of France?"}],
                    "temperature": 0,
                }
            ]
        },
    )

    model: str = Field(min_length=1, description="as /v1/models has it")
    messages: list[MessageIn] = Field(min_length=1, max_length=2048, description="the last one is the user's")
    stream: bool | None = Field(default=False, strict=True, description="answer with server-sent events")
    stream_options: StreamOptions | None = None
    max_completion_tokens: Whole | None = Field(None, ge=1, le=2**31 - 1, description="the newer name of max_tokens")
    n: Annotated[Whole, Field(ge=1, le=1)] | None = Field(None, description="one choice is all there is")
    user: str | None = Field(None, max_length=512, description="accepted, and neither used nor kept")

    @model_validator(mode="before")
    @classmethod
    def _without_what_has_no_effect(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {
            name: value
            for name, value in document.items()
            if not (name in WITHOUT_EFFECT and any(value is same or value == same for same in WITHOUT_EFFECT[name]))
        }

    @model_validator(mode="after")
    def _ends_with_a_question(self) -> "ChatCompletionIn":
        if self.messages[-1].role != "user":
            raise ValueError("messages: the last one has to be the user's")
        return self

    def reply_tokens(self) -> int | None:
        """The longest reply that was asked for, by its newer or older name."""
        return self.max_completion_tokens or self.max_tokens

    def request(self, *, owner: str, default: Sampling, request_id: str) -> ChatRequest:
        """As the service takes it."""
        *history, question = (message.message() for message in self.messages)
        return ChatRequest(
            text=question.content,
            owner=owner,
            sampling=self.sampling(default),
            save=False,
            history=tuple(history),
            request_id=request_id,
        )


class CompletionMessage(BaseModel):
    """The reply."""

    role: Literal["assistant"]
    content: str
    refusal: None


class Choice(BaseModel):
    """The one choice."""

    index: Literal[0]
    message: CompletionMessage
    logprobs: None
    finish_reason: Literal["stop", "length"]


class ChatCompletionOut(BaseModel):
    """The whole reply."""

    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="seconds since 1970")
    model: str
    choices: list[Choice]
    usage: UsageOut
    system_fingerprint: None


class ModelOut(BaseModel):
    """A model that is served."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsOut(BaseModel):
    """All of them."""

    object: Literal["list"]
    data: list[ModelOut]


def finish_word(finish: FinishReason | None) -> str | None:
    """OpenAI's word for how a reply ended."""
    return "length" if finish == "length" else "stop" if finish else None


def completion_document(response: ChatResponse, *, completion_id: str, created: int) -> dict[str, Any]:
    """As ChatCompletionOut."""
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": created,
        "model": response.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": response.text, "refusal": None},
                "logprobs": None,
                "finish_reason": finish_word(response.finish),
            }
        ],
        "usage": usage_document(response),
        "system_fingerprint": None,
    }


class ChunkWriter:
    """The chunks of one stream, which share their head."""

    def __init__(self, *, completion_id: str, created: int, model: str, include_usage: bool) -> None:
        self._head = {"id": completion_id, "object": "chat.completion.chunk", "created": created, "model": model}
        self.include_usage = include_usage

    def delta(self, delta: dict[str, str], *, finish: FinishReason | None = None) -> dict[str, Any]:
        """A piece of the reply, or its end."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_word(finish)}
        return {
            **self._head,
            "system_fingerprint": None,
            "choices": [choice],
            **({"usage": None} if self.include_usage else {}),
        }

    def usage(self, response: ChatResponse) -> dict[str, Any]:
        """The chunk without choices that `include_usage` asks for."""
        return {**self._head, "system_fingerprint": None, "choices": [], "usage": usage_document(response)}
