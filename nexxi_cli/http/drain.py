"""Drain: how the server ends. What is under way may go on for a while; newcomers are sent away."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from nexxi_cli.core.errors import Overloaded
from nexxi_cli.http.asgi import ASGIApp, Message, Receive, Scope, Send, add_headers
from nexxi_cli.http.body import discard_rest
from nexxi_cli.http.envelope import error_response
from nexxi_cli.http.record import record_of

RETRY_S = 5.0
"""By then another worker, or the next process on this port, has taken over."""


class Drain:
    """Which requests are under way, and whether the server is ending."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.begun = asyncio.Event()
        self.is_over = False

    @property
    def has_begun(self) -> bool:
        """Whether newcomers are sent away."""
        return self.begun.is_set()

    def begin(self) -> None:
        """Take no more requests."""
        self.begun.set()

    def cut(self) -> None:
        """The time of grace is over: what is under way ends now, and says so."""
        self.is_over = True
        for task in self._tasks:
            task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await self._idle.wait()

    def enter(self) -> "asyncio.Task[None]":
        """The current task begins a request. Raises Overloaded once the drain has begun."""
        if self.has_begun:
            raise Overloaded("the server is shutting down: try again", retry_after_s=RETRY_S)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._idle.clear()
        return task

    def leave(self, task: "asyncio.Task[None]") -> None:
        """The request of this task is over."""
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """The current task's request is under way until the block ends. Raises Overloaded once the drain has begun."""
        task = self.enter()
        try:
            yield
        finally:
            self.leave(task)


class DrainMiddleware:
    """Knows what is under way. A request that is cut raises Overloaded, unless its stream has said so itself.

    Once the drain has begun, a connection is closed with the answer, so that its client does not try it once more.
    """

    def __init__(self, app: ASGIApp, *, drain: Drain, exempt: Collection[str]) -> None:
        """`exempt` are the paths that answer to the end: probes and metrics."""
        self._app = app
        self._drain = drain
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, unless the server is ending."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if self._drain.has_begun and message["type"] == "http.response.start":
                add_headers(message, {"connection": "close"})
            await send(message)

        if scope["path"] in self._exempt:
            await self._app(scope, receive, send_last)
            return
        try:
            task = self._drain.enter()
        except Overloaded as refusal:
            record_of(scope).failed(refusal)
            await discard_rest(receive)
            await error_response(refusal)(scope, receive, send_last)
            return
        try:
            await self._app(scope, receive, send_last)
        except asyncio.CancelledError:
            if not self._drain.is_over:
                raise
            task.uncancel()
            raise Overloaded("the server shut down before the reply was complete", retry_after_s=RETRY_S) from None
        finally:
            self._drain.leave(task)
