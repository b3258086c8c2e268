"""Uvicorn's HTTP/1.1 protocol over httptools, with limits on what a client may send before its request is known."""

import asyncio
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from nexxi_cli.http.bodies import json_bytes
from nexxi_cli.http.envelope import envelope

MAX_HEAD_BYTES = 32_768
"""Request line and headers together; nginx allows 4 x 8 KiB."""
HEAD_TIMEOUT_S = 10.0
"""From a request's first byte, or from the connection, to the end of the headers."""
STALL_S = 60.0
"""How long nothing of what waits for a client may go out; nginx's send_timeout is the same."""


class _Refused(Exception):
    """Ends the parsing of a request that has been refused."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose headers are too long (431, RFC 6585) or late (408), or whose client reads no more.

    An offer to speak another protocol is declined, as RFC 9110, 7.8 allows: Java's client makes it to every server,
    and the parser would take the body of such a request for the new protocol.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as Uvicorn has it
        """A client has connected."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: all of its requests hear of it, and not only the last, as with Uvicorn."""
        self._stop_timer()
        self._stop_stall_timer()
        for cycle in self._unanswered:
            cycle.disconnected = not cycle.response_complete
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came. They count as long as the headers are not complete."""
        if self._is_in_head:
            self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except HttpParserError:
            self._refuse(b"400 Bad Request", "this is not a valid HTTP/1.1 request")
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large", "the headers are too long")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        """Its headers are whole; they may all have come in one piece."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _Refused  # a proxy's business
            return  # HttpParserUpgrade comes next
        self._stop_timer()
        self._is_in_head = False
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large", "the headers are too long")
            raise _Refused
        super().on_headers_complete()
        self._unanswered = [cycle for cycle in (*self._unanswered, self.cycle) if not cycle.response_complete]

    def on_message_complete(self) -> None:
        """Its body is whole: what comes now is the next one's head."""
        if self.parser.should_upgrade():
            return
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    @property
    def may_ask(self) -> bool:
        """Whether the client may send a request: he has connected, or his last answer has not closed the connection."""
        return not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)

    def pause_writing(self) -> None:
        """Much waits for the client."""
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        """He has taken most of it."""
        self._stop_stall_timer()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """A response is written, as far as we are concerned."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_stall()

    def timeout_keep_alive_handler(self) -> None:
        """No other request came."""
        super().timeout_keep_alive_handler()
        self._watch_stall()

    def _decline(self, rest: bytes) -> None:
        """Begin the request anew, without the offer; `rest` is what came after its headers."""
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self._head_bytes = 0
        self.data_received(line + b"".join(kept) + b"\r\n" + rest)

    def _start_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._is_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _is_late(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self._refuse(b"408 Request Timeout", f"the headers did not come within {HEAD_TIMEOUT_S:g} s")
        elif not self.transport.is_closing():
            self.transport.close()

    def _watch_stall(self) -> None:
        self._stop_stall_timer()
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes:
            self._stall_timer = self.loop.call_later(STALL_S, self._check_stall, left_bytes)

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _check_stall(self, before_bytes: int) -> None:
        if self.transport.get_write_buffer_size() < before_bytes:
            self._watch_stall()
        else:
            self.transport.abort()

    def _refuse(self, status: bytes, message: str) -> None:
        """Answer for what came last and close; a request before it that is whole is answered first, and alone."""
        if self.transport.is_closing():
            return
        under_way = self.cycle if self.cycle is not None and not self.cycle.response_complete else None
        if under_way is not None and not under_way.more_body:
            under_way.keep_alive = False
            return
        if under_way is not None and under_way.response_started:
            self.transport.close()
            return
        body = json_bytes(envelope(message, "invalid_request_error"))
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body)
        self.transport.close()
