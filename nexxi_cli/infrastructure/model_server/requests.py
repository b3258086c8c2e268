"""What is asked of a server with OpenAI's API: the bodies of its requests, and an estimate if it counts no tokens."""

import json
import math
from collections.abc import Sequence
from typing import Any

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, Message
from nexxi_cli.infrastructure.model_server.completion import Completion

BYTES_PER_TOKEN = 3
"""Of UTF-8, for the estimate: 4 is usual for English, and a token of Chinese is about 3. Rather too many tokens than
too few, which the server would refuse.
"""
TOKENS_PER_MESSAGE = 4
"""What a chat template puts around each message, and once more to open the reply."""
MOST_PER_MESSAGE = 16
MOST_PER_TEMPLATE = 256
"""A system prompt of the template's own, dates and the like; that of gpt-oss has some 100."""


def estimated_tokens(messages: Sequence[Message]) -> int:
    """About how many tokens a prompt has, for servers without `/tokenize`."""
    size_bytes = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
    return math.ceil(size_bytes / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE * (len(messages) + 1)


def most_tokens(messages: Sequence[Message]) -> int:
    """How many tokens a prompt has at most: one a byte, and what no template's own words are longer than."""
    size_bytes = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
    return size_bytes + MOST_PER_MESSAGE * len(messages) + MOST_PER_TEMPLATE


def tokenize_request(model: str, messages: Sequence[Message]) -> dict[str, Any]:
    """The body of vLLM's `/tokenize`."""
    return {"model": model, "messages": wire_messages(messages), "add_generation_prompt": True}


def completion_request(wanted: Completion) -> dict[str, Any]:
    """The body of a streamed chat completion; what the sampling leaves open is left to the server.

    Raises UsageError for a schema that is no JSON.
    """
    sampling = wanted.sampling
    options = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "response_format": None if sampling.json_schema is None else _response_format(sampling.json_schema),
    }
    return {
        "model": wanted.model,
        "messages": wire_messages(wanted.messages),
        "max_tokens": wanted.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in options.items() if value is not None},
    }


def wire_messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Messages in OpenAI's form."""
    return [{"role": message.role, "content": message.content} for message in messages]


def read_schema(schema_text: str) -> Any:
    """A JSON schema. Raises UsageError for one that is no JSON."""
    try:
        return json.loads(schema_text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the JSON schema is no JSON: {error}") from error


def _response_format(schema_text: str) -> dict[str, Any]:
    schema = read_schema(schema_text)
    if schema == json.loads(ANY_JSON_OBJECT):
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}
