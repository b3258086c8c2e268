"""BodyMiddleware: a request's body is read here, whole, within its limits of size, time and depth."""

import asyncio
import re
from contextlib import suppress

from nexxi_cli.http.asgi import ASGIApp, Message, Receive, Scope, Send, header
from nexxi_cli.http.envelope import status_response
from nexxi_cli.http.record import record_of

MAX_DEPTH = 32
"""Brackets in brackets: our deepest document has 5, a JSON schema in it perhaps 15."""
READ_TIMEOUT_S = 30.0
"""From the first byte of the body to the last; 4 MiB in this time need 140 KB/s."""
LINGER_S = 2.0
"""How long the rest of a refused body is thrown away: a client that is still sending would lose the answer."""

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class _Refused(Exception):
    """The body cannot be taken; `is_coming`: the client may still be sending it."""

    def __init__(self, status: int, message: str, *, is_coming: bool) -> None:
        super().__init__(message)
        self.response = status_response(status, message, headers={"connection": "close"})
        self.is_coming = is_coming


class BodyMiddleware:
    """Refuses what is too long (413), too slow (408) or too deep (400) before any parser sees it."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, read_timeout_s: float = READ_TIMEOUT_S) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._read_timeout_s = read_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body is whole."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except _Refused as refused:
            record_of(scope).error = "invalid_request_error"
            if refused.is_coming:
                await discard_rest(receive)
            await refused.response(scope, receive, send)
        else:
            if body is not None:  # else the client is gone
                await self._app(scope, _replayed(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        stated = header(scope, b"content-length")
        if stated is not None and stated.isdigit() and int(stated) > self._max_bytes:
            raise self._too_long(is_coming=True)
        pieces: list[bytes] = []
        size_bytes, is_coming = 0, True
        try:
            async with asyncio.timeout(self._read_timeout_s):
                while is_coming:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    pieces.append(message.get("body", b""))
                    size_bytes += len(pieces[-1])
                    is_coming = message.get("more_body", False)
                    if size_bytes > self._max_bytes:
                        raise self._too_long(is_coming=is_coming)
        except TimeoutError:
            late = f"the body did not arrive within {self._read_timeout_s:g} s"
            raise _Refused(408, late, is_coming=False) from None
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if is_deeper(body, MAX_DEPTH):
            raise _Refused(400, f"the JSON is nested more than {MAX_DEPTH} levels deep", is_coming=False)
        return body

    def _too_long(self, *, is_coming: bool) -> _Refused:
        return _Refused(413, f"the body is longer than {self._max_bytes} bytes", is_coming=is_coming)


def is_deeper(body: bytes, limit: int) -> bool:
    """Whether JSON nests more than `limit` brackets; strings do not count. Linear, and nearly free for flat bodies."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > limit:
            return True
    return False


async def discard_rest(receive: Receive) -> None:
    """Take what is still coming of a body that nobody reads, for at most LINGER_S."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body"):
                pass


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Hands the body out once, then whatever comes: the client that goes away."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message
