"""ServerPool: which of several model servers answers, and what happens when it does not. Knows no HTTP."""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from nexxi_cli.core.errors import ModelServerUnavailable, NexxiError, NotAuthorised, Overloaded
from nexxi_cli.core.events import ModelServerDown, ModelServerUp
from nexxi_cli.core.ports import Observer
from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.model_server.completion import Chunk, Completion, Models, ModelServer

RETRY_PAUSE_S = 0.2
"""Before the only server is asked once more: long enough for one that takes a new connection instead of a dead one."""
LOOK_EVERY_S = 5.0


class ServerPool:
    """The least busy server answers; one that fails before the first token is replaced by the next.

    A server that has failed three times in a row is left out until it answers a look at its models, or a request after
    a pause. The observer hears once of each outage, and of its end.
    """

    def __init__(self, servers: Sequence[ModelServer], observer: Observer, *, rng: random.Random | None = None) -> None:
        self.servers = servers
        self._observer = observer
        self._rng = rng or random.Random()  # noqa: S311 - who is first among equals is no secret
        self._down: dict[str, str] = {}

    @property
    def is_down(self) -> bool:
        """Whether every server is left out."""
        return len(self._down) == len(self.servers)

    async def watch(self, model: str, *, every_s: float) -> None:
        """Go on looking, for as long as this runs, so that no request has to find out who is down or back."""
        while True:
            await asyncio.sleep(every_s)
            self.note(await look_at(self.servers), model)

    def note(self, found: Mapping[ModelServer, Models | NexxiError], model: str | None = None) -> None:
        """Take note of a look: a server that lacks the model is no better than one that is down."""
        for server, models in found.items():
            if isinstance(models, NexxiError):
                self._failed(server, models)
            elif model is not None and model not in models:
                self._failed(
                    server,
                    ModelServerUnavailable(f"{server.url} has no model {model!r}: it has {listed(models)}"),
                    for_good=True,
                )
            else:
                self._worked(server)

    async def count_tokens(self, model: str, messages: Sequence[Message]) -> int | None:
        """What a server counts, or None if none does."""
        server = self._next(())
        return None if server is None else await server.count_tokens(model, messages)

    async def stream(self, wanted: Completion) -> AsyncGenerator[Chunk, None]:
        """One reply. Before its first token each server is tried, and once more one that was not busy: a connection
        that was kept may have been closed just then.

        Raises UsageError at once, Overloaded when a server that works is busy, else ModelServerUnavailable.
        """
        failed: list[ModelServer] = []
        busy: list[ModelServer] = []
        errors: list[NexxiError] = []
        for _ in range(len(self.servers) + 1):
            server = self._next([*failed, *busy])
            if server is None:
                server = self._next(busy)
                if server is None:
                    break
                await asyncio.sleep(RETRY_PAUSE_S)
            has_begun = False
            try:
                async with aclosing(self._asked(server, wanted)) as chunks:
                    async for chunk in chunks:
                        has_begun = has_begun or bool(chunk.text or chunk.finish)
                        yield chunk
                return
            except (ModelServerUnavailable, Overloaded, NotAuthorised) as error:
                if has_begun:
                    raise self._refusal([error]) from error
                errors.append(error)
                (busy if isinstance(error, Overloaded) else failed).append(server)
        raise self._refusal(errors)

    async def _asked(self, server: ModelServer, wanted: Completion) -> AsyncGenerator[Chunk, None]:
        """One server's reply, and what it tells of the server."""
        server.running += 1
        try:
            async with aclosing(server.stream(wanted)) as chunks:
                async for chunk in chunks:
                    if chunk.text or chunk.finish:
                        self._worked(server)
                    yield chunk
        except (ModelServerUnavailable, NotAuthorised) as error:
            self._failed(server, error)
            raise
        finally:
            server.running -= 1

    def _next(self, tried: Sequence[ModelServer]) -> ModelServer | None:
        """The least busy of those that are worth a try; chance decides among equals."""
        left = [server for server in self.servers if server not in tried]
        self._rng.shuffle(left)
        left.sort(key=lambda server: (server.breaker.is_open, server.running))
        return next((server for server in left if server.breaker.may_try()), None)

    def _failed(self, server: ModelServer, error: NexxiError, *, for_good: bool = False) -> None:
        if not isinstance(error, Overloaded) and server.breaker.failed(for_good=for_good):
            self._down[server.url] = str(error)
            self._observer.notify(ModelServerDown(server.url, str(error), len(self._down)))

    def _worked(self, server: ModelServer) -> None:
        seconds = server.breaker.worked()
        if seconds is not None:
            del self._down[server.url]
            self._observer.notify(ModelServerUp(server.url, seconds, len(self._down)))

    def _refusal(self, errors: Sequence[NexxiError]) -> NexxiError:
        """What the caller is told when no server has begun to answer."""
        busy = [error for error in errors if isinstance(error, Overloaded)]
        if busy:
            return min(busy, key=lambda error: error.retry_after_s)
        reasons = dict.fromkeys([*map(str, errors), *self._down.values()])
        return ModelServerUnavailable("; ".join(reasons) or "no model server answers")


async def look_at(servers: Sequence[ModelServer]) -> Mapping[ModelServer, Models | NexxiError]:
    """Ask each for its models, all at once; an error of ours is an answer too."""
    return dict(zip(servers, await asyncio.gather(*map(_models_or_error, servers)), strict=True))


def listed(names: Models) -> str:
    """The names of models, for people."""
    return ", ".join(sorted(names)) or "none"


async def _models_or_error(server: ModelServer) -> Models | NexxiError:
    try:
        return await server.models()
    except NexxiError as error:
        return error
