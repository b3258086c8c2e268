"""The connection to one model server over httpx: documents and events. Owns httpx's errors; knows nobody's API.

httpx goes over aiohttp, whose parser is C: a token on its way through costs a quarter less than over httpcore.
"""

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import HttpxAiohttpClient

from nexxi_cli.core.errors import ModelServerUnavailable
from nexxi_cli.core.urls import without_credentials
from nexxi_cli.infrastructure.model_server.refusals import NotThere, refusal, reported_error
from nexxi_cli.infrastructure.model_server.sse import EventReader

CONNECT_S = 5.0
ANSWER_S = 10.0
"""For what needs no model: lists, token counts, and the body of a refusal."""
LAST_BYTES_S = 0.1
"""How long the end of a response may take after its last event, so that the connection can be used again."""
MAX_DOCUMENT_BYTES = 4_194_304
"""More than a list of models, or the tokens of any context, take."""
MAX_SHOWN_CHARS = 200
IDLE_S = 3.0
"""How long a connection is kept for the next request: less than the 5 s after which Uvicorn, and so vLLM, closes it."""

STREAM_TYPE = "text/event-stream"


def new_client(key: str | None, *, silence_s: float) -> httpx.AsyncClient:
    """A client for all servers. It follows no redirect: the key would travel with the request.

    Proxies and certificates as the environment says (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE).
    """
    headers = {"accept-encoding": "identity"}  # nothing that a few bytes could blow up to gigabytes
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return HttpxAiohttpClient(
        headers=headers,
        timeout=httpx.Timeout(silence_s, connect=CONNECT_S, pool=None),
        limits=httpx.Limits(max_connections=0, keepalive_expiry=IDLE_S),  # 0 is aiohttp's word for any number
        follow_redirects=False,
    )


class Events:
    """The data of the events of one stream, as they come."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces
        self._reader = EventReader()
        self._waiting: deque[str] = deque()

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> str:
        while not self._waiting:
            self._waiting.extend(self._reader.push(await anext(self._pieces)))
        return self._waiting.popleft()

    async def read_last(self) -> None:
        """Read what follows the last event, so that the connection can be used again."""
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(LAST_BYTES_S):
                async for _ in self._pieces:
                    pass


class Connection:
    """What one server is asked, and what it answers. Every method raises what a refusal means, as `refusal` says it."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, doubt: str) -> None:
        """`doubt`: what a person is asked when the answers are not those of the API that `url` should have."""
        self.url = url
        self._client = client
        self._doubt = doubt

    async def document(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """A JSON object."""
        found = await self.json(method, url, body)
        if not isinstance(found, dict):
            raise ModelServerUnavailable(f"{url} did not answer with a JSON object: {self._doubt}")
        return found

    async def json(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """Any JSON."""
        try:
            async with asyncio.timeout(ANSWER_S), self._response(method, url, body) as response:
                return self._parsed(await _body(response), url)
        except TimeoutError as error:
            raise ModelServerUnavailable(f"{url} took longer than {ANSWER_S:g} s to answer") from error

    @asynccontextmanager
    async def events(self, url: str, body: Mapping[str, Any]) -> AsyncIterator[Events]:
        """A stream of events; the end of the block closes the connection, unless the stream was read to its end."""
        async with self._response("POST", url, body) as response:
            await self._check_stream(response, url)
            async with aclosing(_pieces(response)) as pieces:
                yield Events(pieces)

    async def _check_stream(self, response: httpx.Response, url: str) -> None:
        told = response.headers.get("content-type", "no type at all")
        if told.startswith(STREAM_TYPE) and "content-encoding" not in response.headers:
            return
        if told.startswith("application/json"):
            document = self._parsed(await _body(response), url)
            error = reported_error(document) if isinstance(document, dict) else None
            if error is not None:
                raise error
        raise ModelServerUnavailable(f"{url} answered {told}, not a stream of events: {self._doubt}")

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
                    after = response.headers.get("retry-after")
                    error = refusal(response.status_code, told, after, now_s=time.time())
                    raise NotThere(f"{error}; {self._doubt}") if isinstance(error, NotThere) else error
                yield response

    def _parsed(self, body: bytes, url: str) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ModelServerUnavailable(f"{url} did not answer in JSON: {self._doubt}") from error


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


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, aiohttp.ClientError, ssl.SSLError) as error:
        raise ModelServerUnavailable(f"the model server {url} {_failure(error)}") from error


def _failure(error: Exception) -> str:
    """What has happened, by aiohttp's error behind httpx's: that takes each of the connection's for a timeout."""
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    told = " ".join(str(cause).split())[:MAX_SHOWN_CHARS] or type(cause).__name__
    match cause:
        case aiohttp.ConnectionTimeoutError():
            return f"took no connection within {CONNECT_S:g} s"
        case aiohttp.ServerTimeoutError():
            return "has fallen silent"
        case aiohttp.ClientConnectorError():
            return f"cannot be reached: {told}"
        case _:
            return f"broke off: {told}"
