"""The backend for Text Generation Inference by its own API, `/generate_stream`.

TGI is in maintenance: this is for those who have one. That API takes a text, so the server's own chat template is asked
for it first (`/chat_tokenize`), and nothing of the model has to lie here. Source: TGI 3, router/src/server.rs, lib.rs
and validation.rs.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from nexxi_cli.core.errors import ModelServerUnavailable, NexxiError
from nexxi_cli.core.types import FinishReason, Message, Sampling, Usage
from nexxi_cli.infrastructure.model_server.backend import ModelServerBackend
from nexxi_cli.infrastructure.model_server.breaker import Breaker
from nexxi_cli.infrastructure.model_server.chunks import garbled, read_event, whole_characters
from nexxi_cli.infrastructure.model_server.completion import Chunk, Completion, Models, ModelServer
from nexxi_cli.infrastructure.model_server.connection import Connection
from nexxi_cli.infrastructure.model_server.refusals import NotThere
from nexxi_cli.infrastructure.model_server.requests import read_schema, wire_messages
from nexxi_cli.infrastructure.models.stops import StopStrings

PREFIX = "tgi+"
"""Before the address of such a server: tgi+http://host:8080."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages in the server's own template, and how many tokens they are."""

    text: str
    tokens: int


class TgiServer:
    """A ModelServer at an address such as tgi+http://host:8080."""

    def __init__(self, url: str, client: httpx.AsyncClient, breaker: Breaker | None = None) -> None:
        self.url = url.removeprefix(PREFIX).rstrip("/")
        self.breaker = breaker or Breaker()
        self.running = 0
        doubt = "is that Text Generation Inference, with an address that has no /v1?"
        self._connection = Connection(self.url, client, doubt=doubt)
        self._opening: str | None = None

    async def models(self) -> Models:
        """The one that it has. A prompt may be shorter than its context: that counts, so that what fits is taken.

        Raises ModelServerUnavailable, Overloaded and NotAuthorised.
        """
        told = await self._connection.document("GET", f"{self.url}/info")
        name = told.get("model_id")
        if not isinstance(name, str):
            raise ModelServerUnavailable(f"{self.url}/info names no model: is that Text Generation Inference?")
        total, prompt = told.get("max_total_tokens"), told.get("max_input_tokens", told.get("max_input_length"))
        sizes = [*_sizes(total), *(size + 1 for size in _sizes(prompt))]
        return {name: min(sizes, default=None)}

    async def count_tokens(self, model: str, messages: Sequence[Message]) -> int | None:
        """As its template and tokenizer have it, or None when it does not answer."""
        try:
            return (await self._prompt(messages)).tokens
        except NexxiError:
            return None

    async def stream(self, wanted: Completion) -> AsyncGenerator[Chunk, None]:
        """The chunks of one reply. Raises as ModelServer says.

        TGI leaves a stop string in its reply, so it is cut off here.
        """
        body = _parameters(wanted.sampling, max_tokens=wanted.max_tokens)
        prompt = await self._prompt(wanted.messages)
        stops, tokens = StopStrings(wanted.sampling.stop), 0
        async with self._connection.events(
            f"{self.url}/generate_stream", {"inputs": prompt.text, "parameters": body}
        ) as events:
            async for data in events:
                tokens += 1
                chunk = _read(data, Usage(prompt.tokens, tokens))
                text = stops.push(chunk.text)
                if chunk.finish is None and not stops.met:
                    yield Chunk(text)
                    continue
                if chunk.finish is not None:
                    text += stops.finish()
                    await events.read_last()
                yield Chunk(text, "stop" if stops.met else chunk.finish, chunk.usage or Usage(prompt.tokens, tokens))
                return
        raise ModelServerUnavailable(f"the model server {self.url} broke off before the reply was complete")

    async def _prompt(self, messages: Sequence[Message]) -> Prompt:
        url = f"{self.url}/chat_tokenize"
        try:
            told = await self._connection.document("POST", url, {"messages": wire_messages(messages)})
        except NotThere as error:
            raise ModelServerUnavailable(
                f"{url} is not there, or has no tokenizer.json: a newer TGI has it, and any has OpenAI's API:"
                f" {self.url}/v1"
            ) from error
        text, tokens = told.get("templated_text"), told.get("tokenize_response")
        if not isinstance(text, str) or not isinstance(tokens, list):
            raise ModelServerUnavailable(f"{url} told no prompt: is that Text Generation Inference?")
        if self._opening is None:
            self._opening = await self._put_before(text)
        return Prompt(text.removeprefix(self._opening), len(tokens))

    async def _put_before(self, prompt: str) -> str:
        """The token that the server puts before every text, such as <s>, if its template puts it there as well."""
        first = await self._connection.json("POST", f"{self.url}/tokenize", {"inputs": prompt})
        match first:
            case [{"id": added}, {"id": written, "stop": int(end)}, *_] if added == written:
                return prompt[:end]
        return ""


class TgiBackend(ModelServerBackend):
    """A ModelBackend over such servers."""

    @staticmethod
    def new_server(url: str, client: httpx.AsyncClient) -> ModelServer:
        """A server of the kind that this backend is for."""
        return TgiServer(url, client)


def _sizes(value: object) -> Sequence[int]:
    return (value,) if isinstance(value, int) and value > 0 else ()


def _parameters(sampling: Sampling, *, max_tokens: int) -> dict[str, Any]:
    """What TGI calls parameters. Without a temperature it samples, as its chat API does, and with 0 it does not.

    Raises UsageError for a schema that is no JSON.
    """
    is_greedy = sampling.temperature == 0
    schema = sampling.json_schema
    top_p = sampling.top_p
    options = {
        "temperature": None if is_greedy else sampling.temperature,
        "top_p": None if is_greedy or top_p == 1 else top_p,  # both are refused: 0 and 1 are what they are without it
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "grammar": None if schema is None else {"type": "json", "value": read_schema(schema)},
    }
    return {
        "max_new_tokens": max_tokens,
        "do_sample": not is_greedy,
        "details": True,
        "return_full_text": False,
        **{name: value for name, value in options.items() if value is not None},
    }


def _read(data: str, counted: Usage) -> Chunk:
    """One event: a token, the last with `generated_text` and details. `counted`: for a server that tells no usage.

    Raises ModelServerUnavailable for what is none, and the error that the event reports, if it does.
    """
    document = read_event(data)
    token = document.get("token")
    if not isinstance(token, dict) or not isinstance(token.get("text"), str):
        raise garbled(data)
    text = "" if token.get("special") else whole_characters(token["text"])
    if document.get("generated_text") is None:
        return Chunk(text)
    details = document.get("details")
    told: Mapping[str, Any] = details if isinstance(details, dict) else {}
    finish: FinishReason = "length" if told.get("finish_reason") == "length" else "stop"
    prompt, reply = [told.get(key) for key in ("input_length", "generated_tokens")]
    return Chunk(
        text,
        finish,
        Usage(
            prompt if isinstance(prompt, int) else counted.prompt_tokens,
            reply if isinstance(reply, int) else counted.completion_tokens,
        ),
    )
