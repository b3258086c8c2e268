"""A backend in front of scripted servers, and what it says."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from nexxi_cli.core.events import Event
from nexxi_cli.core.types import Delta, Message, Sampling
from nexxi_cli.infrastructure.model_server.backend import ModelServerBackend
from nexxi_cli.infrastructure.model_server.tgi import TgiBackend
from tests.infrastructure.model_server.tgi_upstream import tgi_event, tgi_upstream
from tests.infrastructure.model_server.upstream import Upstream, event, upstream

QUESTION = (Message("system", "Be brief."), Message("user", "What is the capital of France?"))


@dataclass(frozen=True)
class Api:
    """A kind of model server. `event` is a token; `end` comes after the last; prefix and suffix are of addresses."""

    name: str
    upstream: Callable[..., AbstractAsyncContextManager[Upstream]]
    event: Callable[[str], bytes]
    end: bytes
    prefix: str
    suffix: str


OPENAI = Api("openai", upstream, event, event("", finish="stop"), "", "/v1")
TGI = Api("tgi", tgi_upstream, tgi_event, tgi_event("</s>", special=True, finish="eos_token"), "tgi+", "")


class Heard:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def backend_of(
    *servers: Upstream | str, heard: Heard | None = None, **how: Any
) -> AsyncIterator[ModelServerBackend]:
    """A backend over these servers, or addresses."""
    options = {"key": None, "model": None, "context_tokens": 8192, "silence_s": 5.0} | how
    urls = [server if isinstance(server, str) else server.url for server in servers]
    kind = TgiBackend if urls[0].startswith("tgi+") else ModelServerBackend
    backend = kind(urls=urls, observer=heard or Heard(), **options)
    try:
        yield backend
    finally:
        await backend.aclose()


async def deltas_of(backend: ModelServerBackend, sampling: Sampling = Sampling()) -> list[Delta]:  # noqa: B008 - frozen
    async with aclosing(backend.generate(QUESTION, sampling)) as deltas:
        return [delta async for delta in deltas]


async def said(backend: ModelServerBackend, sampling: Sampling = Sampling()) -> str:  # noqa: B008 - frozen
    return "".join(delta.text for delta in await deltas_of(backend, sampling))
