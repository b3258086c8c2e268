"""The real server on a port of its own, in the test's event loop, ended by a real signal."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from nexxi_cli.core.events import Event
from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.ports import ModelBackend, Observer
from nexxi_cli.core.settings import Settings
from nexxi_cli.http.listener import listen
from nexxi_cli.http.server import serve_api
from nexxi_cli.observability.metrics import MetricsObserver, exposition
from nexxi_cli.wiring import App, open_app

KEY = "a-key-of-the-tests"
HEADERS = {"x-api-key": KEY}


class Events:
    """An Observer that remembers, and counts for /metrics."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.registry = CollectorRegistry()
        self._metrics: Observer = MetricsObserver(self.registry)

    def notify(self, event: Event) -> None:
        self.heard.append(event)
        self._metrics.notify(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]


@dataclass
class Api:
    """A running server, and a client that has its key."""

    client: httpx.AsyncClient
    app: App
    task: "asyncio.Task[int]"
    events: Events
    url: str

    def ended(self) -> None:
        """Send it what a process manager sends."""
        os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def serving(
    backend: ModelBackend, *, prepare: Callable[[App], None] = lambda _: None, **settings: Any
) -> AsyncIterator[Api]:
    """Serve `backend` under these settings, in the home that the environment names, once the App is prepared.

    A reply at a time, if they say nothing else: so a test sees a queue with two requests.
    """
    wanted = Settings(**({"port": 0, "api_key": SecretStr(KEY), "grace_s": 2, "max_concurrent": 1} | settings))
    events = Events()
    listening = asyncio.Event()
    listener = listen(wanted)
    port = None if wanted.uds else listener.getsockname()[1]
    async with open_app(wanted, xdg_paths(os.environ), observer=events, log_behind=True) as app:
        prepare(app)
        task = asyncio.create_task(
            serve_api(
                app,
                backend,
                listener,
                exposition=lambda: exposition(events.registry),
                on_listening=listening.set,
            )
        )
        waiting = asyncio.create_task(listening.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if wanted.uds is None:
            transport, url = None, f"http://127.0.0.1:{port}"
        else:
            transport, url = httpx.AsyncHTTPTransport(uds=str(wanted.uds)), "http://localhost"
        try:
            async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=20, transport=transport) as client:
                yield Api(client, app, task, events, url)
        finally:
            if not task.done() and listening.is_set():
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait([task])
            listener.close()
