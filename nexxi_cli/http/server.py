"""The server: builds the services, serves, and ends in good order. Knows Uvicorn; knows no command line.

A little longer than most: what begins in one order ends in the other, and both are to be read together.
"""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

import uvicorn

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.ports import ModelBackend
from nexxi_cli.core.settings import Settings
from nexxi_cli.http.app import create_app
from nexxi_cli.http.asgi import ASGIApp
from nexxi_cli.http.drain import Drain
from nexxi_cli.http.generation import Generation
from nexxi_cli.http.model_state import ModelState
from nexxi_cli.http.protocol import LimitedHttpProtocol
from nexxi_cli.http.quota import Quota
from nexxi_cli.http.services import Services
from nexxi_cli.http.store_watch import StoreWatch
from nexxi_cli.service.admission import Admission
from nexxi_cli.wiring import App, address_limiter, redaction_filter

LAST_REQUESTS_S = 0.5
"""How long those who are connected have to ask, and be told that it is too late, instead of being cut off.

A stream that was under way when the drain began has promised that its connection stays: its client may ask again at
once, and a connection that closes on a request loses it without a word.
"""
CLOSE_S = 5
"""How long connections may take to close once nothing is under way."""


async def serve_api(
    nexxi: App,
    backend: ModelBackend,
    listener: socket.socket,
    *,
    exposition: Callable[[], tuple[bytes, str]],
    on_listening: Callable[[], None] = lambda: None,
    on_ready: Callable[[], None] = lambda: None,
    lifeline: int | None = None,
    listens_at_once: bool = True,
) -> int:
    """Serve until a signal; return the exit code: 0 after a drain, 128 and the signal's number after a second one.

    `lifeline`: a pipe whose end begins a drain, too. `listens_at_once`: it tells those who ask that the model is
    loading; else others do, and this server waits for its model. Raises what keeps the model from loading.
    """
    async with _services(nexxi, backend, exposition, on_ready) as (app, services):
        server = Server(app, nexxi.settings, services.drain, on_listening)
        if not listens_at_once:
            server.waits_for = services.model.settled
        beside = [asyncio.create_task(_end_with_the_model(services.model, server))]
        if not nexxi.settings.model_server:
            beside.append(asyncio.create_task(_share(nexxi, services)))
        try:
            await server.serve(sockets=[listener], lifeline=lifeline)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        if services.model.error is not None:
            raise services.model.error
    return server.exit_code


@asynccontextmanager
async def _services(
    nexxi: App, backend: ModelBackend, exposition: Callable[[], tuple[bytes, str]], on_ready: Callable[[], None]
) -> AsyncIterator[tuple[ASGIApp, Services]]:
    settings, observer = nexxi.settings, nexxi.observer
    quota = Quota(nexxi.rate_limiter(), observer)
    admission = Admission(max_concurrent=settings.max_concurrent, max_queue=settings.max_queue, observer=observer)
    safety_ready = nexxi.safety_filter().ready
    async with ModelState(backend, safety_ready, on_ready) as model, StoreWatch(nexxi.store, observer) as store:
        services = Services(
            settings=settings,
            backend=backend,
            model=model,
            generation=Generation(
                nexxi.chat_service(backend),
                model=model,
                quota=quota,
                admission=admission,
                reply_tokens=settings.max_tokens,
                timeout_s=settings.request_timeout_s,
            ),
            conversations=nexxi.conversations,
            redactor=redaction_filter(names=settings.safety_names != "off", max_chars=settings.safety_max_chars),
            store=store,
            drain=Drain(),
            exposition=exposition,
            started_at=int(time.time()),
        )
        keys = None if settings.insecure_no_auth else nexxi.key_ring()
        app = create_app(services, keys=keys, strangers=address_limiter(), quota=quota, observer=observer)
        yield app, services


class Server(uvicorn.Server):
    """Uvicorn, but for its end: the first signal begins a drain, the second cuts it short.

    A terminal that closes (SIGHUP) begins one too, unless `nohup` had it ignored; it cuts nothing short, because the
    kernel and the shell may both send it.
    """

    def __init__(self, app: ASGIApp, settings: Settings, drain: Drain, on_listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=LimitedHttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=True,
                forwarded_allow_ips="*" if settings.uds else settings.forwarded_allow_ips,  # its user's own proxy
                timeout_graceful_shutdown=CLOSE_S,
            )
        )
        self.exit_code = 0
        self.waits_for: asyncio.Event | None = None
        self._drain = drain
        self._grace_s = settings.grace_s
        self._on_listening = on_listening
        self._ending = asyncio.Event()
        self._signals, self._cutting_signals = 0, 1
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop

    async def serve(self, sockets: list[socket.socket] | None = None, *, lifeline: int | None = None) -> None:
        """Serve until the drain is over."""
        self._loop = asyncio.get_running_loop()
        with _on_hangup(self.handle_exit), self._on_end_of(lifeline):
            await super().serve(sockets)

    @contextmanager
    def _on_end_of(self, lifeline: int | None) -> Iterator[None]:
        if lifeline is None:
            yield
            return

        def end() -> None:
            self._loop.remove_reader(lifeline)
            self._end(signal.SIGHUP)

        self._cutting_signals = 2  # as one may come to all processes at once, just after the lifeline's end
        self._loop.add_reader(lifeline, end)
        try:
            yield
        finally:
            self._loop.remove_reader(lifeline)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, as soon as what it waits for has come."""
        if self.waits_for is not None:
            waiting = [asyncio.create_task(event.wait()) for event in (self.waits_for, self._ending)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, answer those who have connected by now, and close."""
        for accepted in await self._accept_last(sockets or []):
            await self._loop.connect_accepted_socket(self._new_protocol, accepted)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_REQUESTS_S):
                while any(found.may_ask for found in self._connections()):  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    async def _accept_last(self, sockets: list[socket.socket]) -> list[socket.socket]:
        """Close the listeners, and return the connections that the kernel would reset for it.

        The loop stops accepting a turn before: what it has accepted and not yet begun to serve would be dropped.
        """
        for listener in sockets:
            self._loop.remove_reader(listener)
        await asyncio.sleep(0)
        accepted: list[socket.socket] = []
        for listener in sockets:
            with suppress(BlockingIOError):
                while True:
                    accepted.append(listener.accept()[0])
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        return accepted

    def _new_protocol(self) -> LimitedHttpProtocol:
        return LimitedHttpProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=self._loop
        )

    def _connections(self) -> list[LimitedHttpProtocol]:
        return [found for found in self.server_state.connections if isinstance(found, LimitedHttpProtocol)]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came, in the middle of whatever."""
        self._loop.call_soon_threadsafe(self._end, sig)

    def _end(self, number: int) -> None:
        self._ending.set()
        self._signals += number != signal.SIGHUP
        if self._draining is None:
            self._draining = asyncio.create_task(self._end_in_good_order())
        elif number != signal.SIGHUP and self._signals >= self._cutting_signals:
            self.exit_code = 128 + number
            self._drain.cut()
            self.should_exit = True

    async def _end_in_good_order(self) -> None:
        self._drain.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s):
                await self._drain.idle()
        self._drain.cut()
        self.should_exit = True


@contextmanager
def _on_hangup(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


async def _share(nexxi: App, services: Services) -> None:
    """Let chats of this user on this machine find the model, from when it is loaded until the drain begins."""
    await services.model.settled.wait()
    if services.model.error is None:
        with suppress(NexxiError):  # the model's files are gone by now: nobody could ask for it
            async with nexxi.shared_engine(services.backend, services.drain.admitted):
                await services.drain.begun.wait()


async def _end_with_the_model(model: ModelState, server: Server) -> None:
    await model.failed.wait()
    server.should_exit = True
