"""The engine's side: answers connections over any ModelBackend. Knows no folder and does not know how long it lives."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing, suppress
from typing import Any, Literal

from nexxi_cli.core.errors import NexxiError, UsageError
from nexxi_cli.core.ports import ModelBackend
from nexxi_cli.core.types import RunningEngine
from nexxi_cli.infrastructure.warm.identity import EngineIdentity
from nexxi_cli.infrastructure.warm.lease import Lease
from nexxi_cli.infrastructure.warm.place import peer_of
from nexxi_cli.infrastructure.warm.protocol import (
    BEAT_S,
    LINE_BYTES,
    Answer,
    ProtocolError,
    Request,
    answer_line,
    identity_line,
    read_request,
)

REQUEST_S = 10.0
"""How long one who has connected may take to ask."""
CROWDED_S = 0.1
"""Between two looks at a process that has no descriptor left."""


class WarmServer:
    """Serves one model on one listener, a task a connection. What has been asked is stopped when its client goes."""

    def __init__(
        self,
        backend: ModelBackend,
        identity: EngineIdentity,
        *,
        name: str,
        admitted: Callable[[], AbstractContextManager[None]],
        lease: Lease | None = None,
    ) -> None:
        """`name`: what the model is called. `admitted` is entered by each task that the model works for, and may raise.

        `lease`: what `keep` and `stop` change; an engine without one belongs to a server, and ends with it.
        """
        self._backend = backend
        self._identity = identity
        self._name = name
        self._admitted = admitted
        self._lease = lease
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def open(self, listener: socket.socket) -> None:
        """Answer whoever connects to this socket, which is closed with the server."""
        self._accepting = asyncio.create_task(self._accept(listener))

    async def close(self) -> None:
        """Take no more connections; what is under way goes on."""
        if self._accepting is not None:
            await _cancelled(self._accepting)

    async def aclose(self) -> None:
        """End what is under way, too."""
        await self.close()
        for task in list(self._tasks):
            await _cancelled(task)

    async def finish(self, seconds: float) -> None:
        """Take no more connections, and give what is under way so long to end by itself."""
        await self.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        await self.aclose()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:
                    await asyncio.sleep(CROWDED_S)
                    continue
                if not peer_of(connection).is_us:
                    connection.close()
                    continue
                task = asyncio.create_task(self._serve(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_BYTES)
        try:
            with suppress(ProtocolError, ValueError, TimeoutError, ConnectionError):  # ValueError: a line without end
                writer.write(identity_line(self._identity))
                async with asyncio.timeout(REQUEST_S):
                    line = await reader.readline()
                if line:
                    await self._answer(read_request(line), reader, writer)
        finally:
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        working = asyncio.create_task(self._work(request, writer))
        gone = asyncio.create_task(reader.read(1))
        try:
            while not working.done() and not gone.done():
                await asyncio.wait({working, gone}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if not working.done():
                    writer.write(answer_line(Answer()))
        finally:
            await _cancelled(gone)
            await _cancelled(working)
        if not working.cancelled():
            working.result()

    async def _work(self, request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            async with aclosing(self._answers(request)) as answers:
                async for answer in answers:
                    writer.write(answer_line(answer))
                    await writer.drain()
        except NexxiError as error:
            writer.write(answer_line(Answer(done=True, error=error)))
            await writer.drain()

    async def _answers(self, request: Request) -> AsyncGenerator[Answer, None]:
        match request.task:
            case "status":
                yield Answer(done=True, status=self._status())
            case "keep":
                if self._lease is not None:
                    self._lease.extend(request.seconds)
                yield Answer(done=True)
            case "stop":
                if self._lease is None:
                    raise UsageError(
                        f"the engine of {self._name} belongs to `nexxi serve`: end its process {os.getpid()}"
                    )
                self._lease.end()
                yield Answer(done=True, status=self._status())
            case _:
                with self._admitted():
                    async with aclosing(self._of_the_model(request)) as answers:
                        async for answer in answers:
                            yield answer

    async def _of_the_model(self, request: Request) -> AsyncGenerator[Answer, None]:
        match request.task:
            case "info":
                yield Answer(done=True, info=await self._backend.info())
            case "ready":
                await self._backend.ready()
                yield Answer(done=True)
            case "count_tokens":
                yield Answer(done=True, count=await self._backend.count_tokens(request.messages))
            case "generate":
                async with aclosing(self._backend.generate(request.messages, request.sampling)) as deltas:
                    async for delta in deltas:
                        yield Answer(delta=delta)
                yield Answer(done=True)

    def _status(self) -> RunningEngine:
        host: Literal["serve", "chat"] = "serve" if self._lease is None else "chat"
        left_s = None if self._lease is None else round(self._lease.left_s, 1)
        return RunningEngine(self._name, os.getpid(), host, self._identity.version, self._identity.quantise, left_s)


async def _cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task, and wait until it has ended, however it does."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # whoever wants it takes it from the task: here it counts as seen
