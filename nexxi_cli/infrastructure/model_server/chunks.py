"""One event of a streamed chat completion (OpenAI's API reference, "chat completion chunk"), from JSON to values."""

import json
from typing import Any

from nexxi_cli.core.errors import ModelServerUnavailable
from nexxi_cli.core.types import FinishReason, Usage
from nexxi_cli.infrastructure.model_server.completion import Chunk
from nexxi_cli.infrastructure.model_server.refusals import reported_error

ABORTED = frozenset({"abort", "error"})
"""vLLM's words for a reply that the server has given up."""

MAX_SHOWN_CHARS = 80


def read_chunk(data: str) -> Chunk:
    """Raises ModelServerUnavailable for what is no chunk, and the error that the event reports, if it does."""
    document = read_event(data)
    choices = document.get("choices") or [{}]
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise garbled(data)
    choice: dict[str, Any] = choices[0]
    delta = choice.get("delta") or {}
    text = delta.get("content") if isinstance(delta, dict) else delta
    if not isinstance(text, str | None):
        raise garbled(data)
    return Chunk(whole_characters(text or ""), _finish(choice.get("finish_reason")), _usage(document.get("usage")))


def read_event(data: str) -> dict[str, Any]:
    """The object that an event is. Raises as `read_chunk` does."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise garbled(data) from error
    if not isinstance(document, dict):
        raise garbled(data)
    error_ = reported_error(document)
    if error_ is not None:
        raise error_
    return document


def _finish(reason: object) -> FinishReason | None:
    if reason in ABORTED:
        raise ModelServerUnavailable("the model server has given the reply up")
    if reason is None:
        return None
    return "length" if reason == "length" else "stop"


def _usage(document: object) -> Usage | None:
    if not isinstance(document, dict):
        return None
    prompt_tokens, completion_tokens = document.get("prompt_tokens"), document.get("completion_tokens", 0)
    if not isinstance(prompt_tokens, int) or not isinstance(completion_tokens, int):
        return None
    return Usage(max(prompt_tokens, 0), max(completion_tokens, 0))


def whole_characters(text: str) -> str:
    """Half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def garbled(data: str) -> ModelServerUnavailable:
    """The error that an event is which cannot be understood."""
    shown = data if len(data) <= MAX_SHOWN_CHARS else f"{data[:MAX_SHOWN_CHARS]}..."
    return ModelServerUnavailable(f"the model server sent what is no part of a reply: {shown!r}")
