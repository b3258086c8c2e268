"""Server-sent events (WHATWG HTML, 9.2): a response that is sent as it comes about, and says how it ended."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from nexxi_cli.core.errors import NexxiError, Overloaded
from nexxi_cli.http.asgi import Receive, Scope, Send
from nexxi_cli.http.bodies import json_bytes
from nexxi_cli.http.connection import CLIENT_GONE, stopped, wait_for_disconnect
from nexxi_cli.http.drain import RETRY_S, Drain
from nexxi_cli.http.envelope import INTERNAL, envelope, envelope_of
from nexxi_cli.http.failures import log_failure
from nexxi_cli.http.record import RequestRecord, record_of

HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}  # nginx's proxy module: buffer nothing
PING = b": ping\n\n"
PING_S = 10.0
"""Often enough for a proxy that gives up on a connection after 15 s of silence."""
BUFFERED_FRAMES = 64
"""How far a slow client may lag behind before the model's events wait for it."""
EVENT_SCHEMA = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "description": "`error` for what ends a stream early; else not sent"},
        "data": {"type": "string", "description": "JSON, or [DONE] at the end"},
    },
    "required": ["data"],
}
"""For the OpenAPI document, where it is the `itemSchema` of a stream (OpenAPI 3.2)."""
DONE = b"data: [DONE]\n\n"


def event(document: Any, name: str | None = None) -> bytes:
    """One event whose data is JSON."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json_bytes(document) + b"\n\n"


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


class _Gone:
    """The client went away."""


_Items = asyncio.Queue[bytes | _End | _Gone]


class EventStream(Response):
    """A response of events. `frames` is iterated in a task of its own, and closed when the client goes away.

    What fails before the second frame gets its true status: the first one, which only says that a reply begins, waits
    for it. Later it is an `error` event, never a feigned end. Pings keep the connection while nothing comes; the first
    one is where the status becomes 200 at the latest.
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes, None], *, drain: Drain, ping_s: float = PING_S) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._frames = frames
        self._drain = drain
        self._ping_s = ping_s
        self._has_started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the frames until they end or fail, or the client goes away."""
        record = record_of(scope)
        items: _Items = asyncio.Queue()
        room = asyncio.Semaphore(BUFFERED_FRAMES)
        pump = asyncio.create_task(self._pump(items, room))
        watch = asyncio.create_task(_watch(receive, items))
        try:
            await self._relay(items, room, record, send)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not (self._drain.is_over and self._has_started):
                raise
            task.uncancel()
            await stopped(pump)  # the part of the reply is kept by now
            cut = Overloaded("the server shut down before the reply was complete", retry_after_s=RETRY_S)
            await self._fail(cut, record, send)
        finally:
            await stopped(pump, watch)

    async def _pump(self, items: _Items, room: asyncio.Semaphore) -> None:
        error: Exception | None = None
        try:
            async with aclosing(self._frames) as frames:
                async for frame in frames:
                    await room.acquire()
                    items.put_nowait(frame)
        except Exception as failure:  # noqa: BLE001 - handed over to the task that answers the client
            error = failure
        items.put_nowait(_End(error))

    async def _relay(self, items: _Items, room: asyncio.Semaphore, record: RequestRecord, send: Send) -> None:
        first = b""
        while True:
            try:
                async with asyncio.timeout(self._ping_s):
                    item = await items.get()
            except TimeoutError:
                await self._send(first + PING, send)
                first = b""
                continue
            if isinstance(item, _Gone):
                record.error = CLIENT_GONE
                return
            if isinstance(item, _End):
                break
            room.release()
            if not (self._has_started or first):
                first = item
                continue
            await self._send(first + item, send)
            first = b""
        if item.error is None:
            await self._send(first, send, more=False)
        elif self._has_started:
            await self._fail(item.error, record, send)
        else:
            raise item.error

    async def _fail(self, error: Exception, record: RequestRecord, send: Send) -> None:
        if isinstance(error, NexxiError):
            record.failed(error)
            document = envelope_of(error)
        else:
            log_failure(error, record)
            record.error, document = "api_error", envelope(INTERNAL, "api_error")
        await self._send(event(document, "error"), send, more=False)

    async def _send(self, body: bytes, send: Send, *, more: bool = True) -> None:
        if not self._has_started:
            self._has_started = True
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _watch(receive: Receive, items: _Items) -> None:
    await wait_for_disconnect(receive)
    items.put_nowait(_Gone())
