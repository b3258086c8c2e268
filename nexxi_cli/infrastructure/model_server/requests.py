"""What is asked of a model server: the bodies of its requests, and an estimate where it cannot count tokens."""

import json
import math
from collections.abc import Sequence
from typing import Any

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, Message, Sampling

BYTES_PER_TOKEN = 3
"""Of UTF-8, for the estimate: 4 is usual for English, and a token of Chinese is about 3. Rather too many tokens than
too few, which the server would refuse.
"""
TOKENS_PER_MESSAGE = 4
"""What a chat template puts around each message, and once more to open the reply."""


def estimated_tokens(messages: Sequence[Message]) -> int:
    """About how many tokens a prompt has, for servers without `/tokenize`."""
    size_bytes = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
    return math.ceil(size_bytes / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE * (len(messages) + 1)


def tokenize_request(model: str, messages: Sequence[Message]) -> dict[str, Any]:
    """The body of vLLM's `/tokenize`."""
    return {"model": model, "messages": _wire(messages), "add_generation_prompt": True}


def completion_request(
    model: str, messages: Sequence[Message], sampling: Sampling, *, max_tokens: int
) -> dict[str, Any]:
    """The body of a streamed chat completion; what the sampling leaves open is left to the server.

    Raises UsageError for a schema that is no JSON.
    """
    wanted = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "response_format": None if sampling.json_schema is None else _response_format(sampling.json_schema),
    }
    return {
        "model": model,
        "messages": _wire(messages),
        "max_tokens": max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in wanted.items() if value is not None},
    }


def _wire(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _response_format(schema_text: str) -> dict[str, Any]:
    try:
        schema = json.loads(schema_text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the JSON schema is no JSON: {error}") from error
    if schema == json.loads(ANY_JSON_OBJECT):
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}
