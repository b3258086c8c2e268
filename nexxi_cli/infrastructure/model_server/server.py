"""One model server over httpx: its models, its token counts, its stream. Owns httpx's errors; knows no other server."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any

import httpx

from nexxi_cli.core.errors import ModelServerUnavailable, NexxiError
from nexxi_cli.core.urls import without_credentials
from nexxi_cli.infrastructure.model_server.breaker import Breaker
from nexxi_cli.infrastructure.model_server.chunks import Chunk, read_chunk
from nexxi_cli.infrastructure.model_server.refusals import NotThere, refusal, reported_error
from nexxi_cli.infrastructure.model_server.sse import EventReader

CONNECT_S = 5.0
ANSWER_S = 10.0
"""For what needs no model: lists, token counts, and the body of a refusal."""
LAST_BYTES_S = 0.1
"""How long the end of a response may take after its last event, so that the connection can be used again."""
MAX_DOCUMENT_BYTES = 4_194_304
"""More than a list of models, or the tokens of any context, take."""
IDLE_CONNECTIONS = 64

DONE = "[DONE]"
STREAM_TYPE = "text/event-stream"


def new_client(key: str | None, *, silence_s: float) -> httpx.AsyncClient:
    """A client for all servers. It follows no redirect: the key would travel with the request.

    Proxies and certificates as the environment says (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE).
    """
    headers = {"accept-encoding": "identity"}  # nothing that a few bytes could blow up to gigabytes
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return httpx.AsyncClient(
        headers=headers,
        timeout=httpx.Timeout(silence_s, connect=CONNECT_S, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=IDLE_CONNECTIONS),
        follow_redirects=False,
    )


class ModelServer:
    """One server. `running` is how many replies it is writing for us."""

    def __init__(self, url: str, client: httpx.AsyncClient, breaker: Breaker | None = None) -> None:
        """`url`: such as http://host:8000/v1."""
        self.url = url.rstrip("/")
        self.breaker = breaker or Breaker()
        self.running = 0
        self._client = client
        self._tokenizes = True

    async def models(self) -> Mapping[str, int | None]:
        """Its models and, where it tells them, their context lengths.

        Raises ModelServerUnavailable, Overloaded and NotAuthorised.
        """
        document = await self._document("GET", f"{self.url}/models")
        listed = document.get("data")
        if not isinstance(listed, list):
            raise ModelServerUnavailable(f"{self.url}/models is no list of models")
        found = {model["id"]: _context(model) for model in listed if isinstance(model, dict) and "id" in model}
        return {name: context for name, context in found.items() if isinstance(name, str)}

    async def count_tokens(self, body: Mapping[str, Any]) -> int | None:
        """What vLLM's `/tokenize` counts, or None: it has none, counts something else, or does not answer."""
        if not self._tokenizes:
            return None
        try:
            document = await self._document("POST", f"{self.url.removesuffix('/v1')}/tokenize", body)
        except NexxiError as error:
            self._tokenizes = not isinstance(error, NotThere)
            return None
        count = document.get("count")
        if isinstance(count, int) and count > 0:
            return count
        self._tokenizes = False  # llama.cpp's takes a text and knows nothing of messages
        return None

    async def stream(self, body: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """The chunks of one reply; closing the iterator closes the connection, which stops the model.

        Raises ModelServerUnavailable, of a reply that breaks off too, Overloaded, NotAuthorised and UsageError.
        """
        reader, finished = EventReader(), False
        async with (
            self._response("POST", f"{self.url}/chat/completions", body) as response,
            aclosing(await self._events(response)) as pieces,
        ):
            async for piece in pieces:
                for data in reader.push(piece):
                    if data.strip() == DONE:
                        await _read_last(pieces)
                        return
                    chunk = read_chunk(data)
                    finished = finished or chunk.finish is not None
                    yield chunk
        if not finished:
            raise ModelServerUnavailable(f"the model server {self.url} broke off before the reply was complete")

    async def _events(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """The bytes of a stream. Raises ModelServerUnavailable for any other answer, or what that reports."""
        told = response.headers.get("content-type", "no type at all")
        if told.startswith(STREAM_TYPE) and "content-encoding" not in response.headers:
            return _pieces(response)
        if told.startswith("application/json"):
            error = reported_error(_parsed(await _body(response), self.url))
            if error is not None:
                raise error
        raise ModelServerUnavailable(
            f"{self.url}/chat/completions answered {told}, not a stream of events: is that OpenAI's API?"
        )

    async def _document(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(ANSWER_S), self._response(method, url, body) as response:
                return _parsed(await _body(response), url)
        except TimeoutError as error:
            raise ModelServerUnavailable(f"{url} took longer than {ANSWER_S:g} s to answer") from error

    @asynccontextmanager
    async def _response(
        self, method: str, url: str, body: Mapping[str, Any] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """An answer of status 200. Raises what another status means."""
        with _translated(self.url):
            async with self._client.stream(method, url, json=body) as response:
                if response.is_redirect:
                    target = without_credentials(response.headers.get("location", ""))
                    raise ModelServerUnavailable(
                        f"{self.url} redirects to {target[:200]}, which is not followed, as the key would go there:"
                        " if it is the address that is meant, set NEXXI_MODEL_SERVER to it"
                    )
                if response.status_code != httpx.codes.OK:
                    told = await _body(response)
                    raise refusal(response.status_code, told, response.headers.get("retry-after"), now_s=time.time())
                yield response


async def _pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    raw = response.aiter_raw()
    assert isinstance(raw, AsyncGenerator)
    async with aclosing(raw) as pieces:
        async for piece in pieces:
            yield piece


async def _body(response: httpx.Response) -> bytes:
    """The whole body, up to a length that no document of ours has."""
    found = bytearray()
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            async for piece in response.aiter_raw():
                found += piece
                if len(found) > MAX_DOCUMENT_BYTES:
                    break
    return bytes(found)


async def _read_last(pieces: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(LAST_BYTES_S):
            async for _ in pieces:
                pass


def _parsed(body: bytes, url: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelServerUnavailable(f"{url} did not answer in JSON: is that OpenAI's API?") from error
    if not isinstance(document, dict):
        raise ModelServerUnavailable(f"{url} did not answer with a JSON object: is that OpenAI's API?")
    return document


def _context(model: Mapping[str, Any]) -> int | None:
    """`max_model_len` is vLLM's word, `context_length` that of several others."""
    for key in ("max_model_len", "context_length"):
        value = model.get(key)
        if isinstance(value, int) and value > 0:
            return value
    return None


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise ModelServerUnavailable(f"the model server {url} took no connection within {CONNECT_S:g} s") from error
    except httpx.TimeoutException as error:
        raise ModelServerUnavailable(f"the model server {url} has fallen silent") from error
    except httpx.ConnectError as error:
        raise ModelServerUnavailable(f"the model server {url} cannot be reached: {error}") from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError) as error:
        raise ModelServerUnavailable(f"the model server {url} broke off: {error or type(error).__name__}") from error
