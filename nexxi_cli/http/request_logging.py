"""RequestLoggingMiddleware: the correlation id, one event for each request, and the last stop of every error."""

import re
import time
from collections.abc import Callable
from uuid import uuid4

from starlette.responses import Response

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.events import RequestServed
from nexxi_cli.core.ports import Observer
from nexxi_cli.http.asgi import ASGIApp, Message, Receive, Scope, Send, add_headers, header
from nexxi_cli.http.envelope import error_response, internal_error
from nexxi_cli.http.failures import log_failure
from nexxi_cli.http.record import RequestRecord, route_of

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that went away before the response began."""

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class RequestLoggingMiddleware:
    """Outermost. An `X-Request-ID` that is well-formed is taken over, else one is made; it is echoed in any case.

    Errors that the layers below raise become the envelope here, and what is no error of ours is logged, once.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        observer: Observer,
        new_id: Callable[[], str] = lambda: uuid4().hex,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._observer = observer
        self._new_id = new_id
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; let lifespan events pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock()
        given = header(scope, b"x-request-id")
        record = RequestRecord(given if given and _WELL_FORMED.fullmatch(given) else self._new_id())
        scope.setdefault("state", {})["record"] = record
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                add_headers(message, {"x-request-id": record.request_id, **record.limit_headers})
            await send(message)

        async def answer_with(response: Response) -> None:
            if not status:
                await response(scope, receive, send_with_id)

        try:
            await self._app(scope, receive, send_with_id)
        except NexxiError as error:
            if record.error is None:
                record.failed(error)
            await answer_with(error_response(error))
        except Exception as error:  # noqa: BLE001 - the surface: the client gets an envelope, the log the trace
            log_failure(error, record)
            record.error = record.error or "api_error"
            await answer_with(internal_error())
        finally:
            self._observer.notify(
                RequestServed(
                    request_id=record.request_id,
                    method=scope["method"] if scope["method"] in _METHODS else "other",
                    route=route_of(scope),
                    status=status or CLIENT_CLOSED_REQUEST,
                    key_name=record.caller.key_name if record.caller else None,
                    error=record.error,
                    seconds=self._clock() - began,
                    queued_s=record.queued_s,
                    first_token_s=record.first_token_s,
                    prompt_tokens=record.prompt_tokens,
                    completion_tokens=record.completion_tokens,
                    reason=record.reason,
                )
            )
