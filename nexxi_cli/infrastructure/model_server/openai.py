"""A model server with OpenAI's API (vLLM and its kin): its models, its token counts, its stream."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from nexxi_cli.core.errors import ModelServerUnavailable, NexxiError, UsageError
from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.model_server.breaker import Breaker
from nexxi_cli.infrastructure.model_server.chunks import read_chunk
from nexxi_cli.infrastructure.model_server.completion import Chunk, Completion, Models
from nexxi_cli.infrastructure.model_server.connection import Connection
from nexxi_cli.infrastructure.model_server.refusals import NotThere
from nexxi_cli.infrastructure.model_server.requests import completion_request, tokenize_request

DONE = "[DONE]"
SALT = "cache_salt"
"""vLLM's word. What does not call itself vLLM may refuse a word that it does not know."""


class OpenAiServer:
    """A ModelServer at an address such as http://host:8000/v1."""

    def __init__(self, url: str, client: httpx.AsyncClient, breaker: Breaker | None = None) -> None:
        self.url = url.rstrip("/")
        self.breaker = breaker or Breaker()
        self.running = 0
        doubt = "is that OpenAI's API, or does its address lack the /v1?"
        self._connection = Connection(self.url, client, doubt=doubt)
        self._tokenizes = True
        self._is_vllm = False
        self._refuses_salt = False

    async def models(self) -> Models:
        """As /models lists them. Raises ModelServerUnavailable, Overloaded and NotAuthorised."""
        document = await self._connection.document("GET", f"{self.url}/models")
        listed = document.get("data")
        if not isinstance(listed, list):
            raise ModelServerUnavailable(f"{self.url}/models is no list of models")
        models = [model for model in listed if isinstance(model, dict) and isinstance(model.get("id"), str)]
        self._is_vllm = any(model.get("owned_by") == "vllm" for model in models)
        return {model["id"]: _context(model) for model in models}

    async def count_tokens(self, model: str, messages: Sequence[Message]) -> int | None:
        """What vLLM's `/tokenize` counts, or None: it has none, counts something else, or does not answer."""
        if not self._tokenizes:
            return None
        url = f"{self.url.removesuffix('/v1')}/tokenize"
        try:
            document = await self._connection.document("POST", url, tokenize_request(model, messages))
        except NexxiError as error:
            self._tokenizes = not isinstance(error, NotThere)
            return None
        count = document.get("count")
        if isinstance(count, int) and count > 0:
            return count
        self._tokenizes = False  # llama.cpp's takes a text and knows nothing of messages
        return None

    async def stream(self, wanted: Completion) -> AsyncGenerator[Chunk, None]:
        """The chunks of one reply. Raises as ModelServer says."""
        body = completion_request(wanted)
        if self._is_vllm and not self._refuses_salt:
            try:
                async with aclosing(self._streamed({**body, SALT: wanted.cache_salt})) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except UsageError as error:
                if SALT not in str(error):
                    raise
                self._refuses_salt = True  # vLLM's engine before V1 knows the word, but cannot do it
        async with aclosing(self._streamed(body)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _streamed(self, body: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        finished = False
        async with self._connection.events(f"{self.url}/chat/completions", body) as events:
            async for data in events:
                if data.strip() == DONE:
                    await events.read_last()
                    return
                chunk = read_chunk(data)
                finished = finished or chunk.finish is not None
                yield chunk
        if not finished:
            raise ModelServerUnavailable(f"the model server {self.url} broke off before the reply was complete")


def _context(model: Mapping[str, Any]) -> int | None:
    """`max_model_len` is vLLM's word, `context_length` that of several others."""
    for key in ("max_model_len", "context_length"):
        value = model.get(key)
        if isinstance(value, int) and value > 0:
            return value
    return None
