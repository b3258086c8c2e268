"""The chat's side: a ModelBackend over a warm engine. Each call has a connection of its own, and ends with it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from nexxi_cli.core.types import Delta, Message, ModelInfo, RunningEngine, Sampling
from nexxi_cli.infrastructure.warm.identity import EngineIdentity
from nexxi_cli.infrastructure.warm.place import EngineGone, Place, peer_of
from nexxi_cli.infrastructure.warm.protocol import (
    LINE_BYTES,
    Answer,
    ProtocolError,
    Request,
    read_answer,
    read_identity,
    request_line,
)

HELLO_S = 3.0
"""How long an engine may take to say who it is: it does so at once, unless it is stopped, or loads torch."""
SILENCE_S = 60.0
"""How long it may say nothing then, of which it gives a sign every few seconds (BEAT_S)."""


class WarmEngine:
    """A ModelBackend whose model is in another process of the same user. Every method raises EngineGone, too."""

    def __init__(self, place: Place, which: EngineIdentity | str, *, name: str = "") -> None:
        """`which`: who it has to be or, for one who is not choosy, what its socket is called. `name`: what this process
        calls the model.
        """
        self._place = place
        self._name = name
        self.which = which
        self.pid: int | None = None

    @property
    def is_there(self) -> bool:
        """Whether somebody listens. Raises PlaceRefused."""
        connection = self._connected()
        if connection is not None:
            connection.close()
        return connection is not None

    @property
    def is_down(self) -> bool:
        """Never: who finds it gone has another model."""
        return False

    async def info(self) -> ModelInfo:
        """Name and context length."""
        info = (await self._asked(Request("info"))).info
        if info is None:
            raise EngineGone("the warm engine does not say what its model is")
        engine = f"a warm engine, pid {self.pid}" + (f": {info.engine}" if info.engine else "")
        return replace(info, name=self._name, engine=engine)

    async def ready(self) -> None:
        """Wait until its model is loaded."""
        await self._asked(Request("ready"))

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        """Length of the prompt in its model's own template."""
        count = (await self._asked(Request("count_tokens", tuple(messages)))).count
        if count is None:
            raise EngineGone("the warm engine does not count")
        return count

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        """Answer `messages`; closing the iterator closes the connection, upon which the engine stops."""
        async with aclosing(self._answers(Request("generate", tuple(messages), sampling))) as answers:
            async for answer in answers:
                if answer.delta is not None:
                    yield answer.delta

    async def aclose(self) -> None:
        """Nothing is open between two calls; the engine stays."""

    async def status(self) -> RunningEngine:
        """What it is."""
        return _status_of(await self._asked(Request("status")))

    async def keep(self, seconds: float) -> None:
        """Have it stay for so long after the last request, unless it stays longer anyway."""
        await self._asked(Request("keep", seconds=seconds))

    async def stop(self) -> RunningEngine:
        """Have it end; what it was. Raises UsageError for the engine of a server."""
        return _status_of(await self._asked(Request("stop")))

    def _connected(self) -> socket.socket | None:
        return self._place.connect(self.which if isinstance(self.which, str) else self.which.digest)

    async def _asked(self, request: Request) -> Answer:
        """The only answer to this."""
        async with aclosing(self._answers(request)) as answers:
            async for answer in answers:
                return answer
        raise AssertionError("there is a last answer, or an error")

    async def _answers(self, request: Request) -> AsyncGenerator[Answer, None]:
        """The answers, the last of which says so. Raises what the engine does, and EngineGone for an early end."""
        try:
            async with self._connection() as (reader, writer):
                writer.write(request_line(request))
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        answer = read_answer(await reader.readline())
                    if answer.error is not None:
                        raise answer.error
                    if answer != Answer():
                        yield answer
                    if answer.done:
                        return
        except (OSError, ValueError, ProtocolError) as error:  # TimeoutError is an OSError; ValueError: an endless line
            raise EngineGone("the warm engine ended before it had answered") from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to an engine that has said that it is the right one."""
        connection = self._connected()
        if connection is None:
            raise EngineGone("there is no warm engine")
        pid = peer_of(connection).pid
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_BYTES)
        try:
            async with asyncio.timeout(HELLO_S):
                found = read_identity(await reader.readline())
            if isinstance(self.which, EngineIdentity) and found != self.which:
                raise EngineGone(f"the warm engine is another one, of nexxi {found.version}")
            self.pid = pid
            yield reader, writer
        finally:
            writer.close()


def _status_of(answer: Answer) -> RunningEngine:
    if answer.status is None:
        raise EngineGone("the warm engine does not say what it is")
    return answer.status
