"""A server with OpenAI's API that answers what a test wrote, down to the byte: raw asyncio, so that it can misbehave.

`python -m tests.infrastructure.model_server.upstream PORT` is one as a process of its own; SCRIPT_DELAY_S and
SCRIPT_TOKENS say how it answers.
"""

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

REPLY = ("The", " capital", " of", " France", " is", " Paris", ".")


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """Every word of `reply` is a token. It remembers what it was asked, and counts the streams that are open.

    script: writes the bytes of the answer to a completion instead; endless: the reply begins anew until the client
    goes; tokenizes: has vLLM's /tokenize, which counts words; models: name -> max_model_len; owner: of the models.
    """

    PATH: ClassVar[str] = "/v1/chat/completions"

    reply: Sequence[str] = REPLY
    delay_s: float = 0.0
    endless: bool = False
    script: Script | None = None
    tokenizes: bool = True
    models: dict[str, int | None] = field(default_factory=lambda: {"scripted": 4096})
    owner: str | None = None
    key: str | None = None
    remembers: bool = True
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    running: int = 0
    port: int = 0
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def completions(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == self.PATH]

    async def start(self) -> None:
        """Listen, where it did before if it was killed."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def idle(self) -> None:
        """Wait until no stream is open; raises TimeoutError after a second, in which a client's end must be noticed."""
        async with asyncio.timeout(1):
            while self.running:  # noqa: ASYNC110 - it looks from outside
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """Listen no more, and reset every connection."""
        self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        while self._connections:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while asked := await _read(reader):
                if self.remembers:
                    self.asked.append(asked)
                await self._answer(asked, reader, writer)
                await writer.drain()
        self._connections.discard(writer)
        writer.close()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.key is not None and asked.headers.get("authorization") != f"Bearer {self.key}":
            writer.write(response(401, {"error": {"message": "no"}}))
        elif asked.path == self.PATH and self.has_model(asked):
            self.running += 1
            try:
                await (self.script(writer) if self.script else self._stream(asked, reader, writer))
            finally:
                self.running -= 1
        elif (document := self.document(asked)) is not None:
            writer.write(response(200, document))
        else:
            writer.write(response(404, {"detail": "Not Found"}))

    def has_model(self, asked: Asked) -> bool:
        return asked.body["model"] in self.models

    def document(self, asked: Asked) -> object:
        """The answer to anything else than a completion, or None."""
        if asked.path == "/v1/models":
            own = {} if self.owner is None else {"owned_by": self.owner}
            listed = [
                {"id": id_, **own} | ({"max_model_len": size} if size else {}) for id_, size in self.models.items()
            ]
            return {"object": "list", "data": listed}
        if asked.path == "/tokenize" and self.tokenizes:
            words = words_of(asked)
            return {"count": words, "max_model_len": 4096, "tokens": [1] * words}
        return None

    def limit(self, asked: Asked) -> int:
        limit = asked.body["max_tokens"]
        assert isinstance(limit, int)
        return limit

    def event(self, text: str) -> bytes:
        return event(text)

    def last_events(self, asked: Asked, tokens: int) -> list[bytes]:
        finish = "stop" if tokens == len(self.reply) else "length"
        prompt = words_of(asked)
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        return [event("", finish=finish), data({"choices": [], "usage": usage}), b"data: [DONE]\n\n"]

    async def _stream(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin(writer)
        limit = self.limit(asked)
        number = 0
        while self.endless or number < min(len(self.reply), limit):
            if (self.delay_s or self.endless) and await _has_gone(reader, self.delay_s):
                return
            write_piece(writer, self.event(self.reply[number % len(self.reply)]))
            await writer.drain()
            number += 1
        for piece in self.last_events(asked, number):
            write_piece(writer, piece)
        end(writer)


def words_of(asked: Asked) -> int:
    """In the messages of a request."""
    return sum(len(message["content"].split()) for message in asked.body["messages"])


async def _has_gone(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Wait so long, unless the client closes the connection meanwhile."""
    until = asyncio.get_running_loop().time() + seconds
    while (  # noqa: ASYNC110 - a reader does not tell that its peer has closed
        left := until - asyncio.get_running_loop().time()
    ) > 0 and not reader.at_eof():
        await asyncio.sleep(min(left, 0.02))
    await asyncio.sleep(0)
    return reader.at_eof()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    """The next request, or None when the client has closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, path, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, json.loads(body) if body else None)


def response(status: int, document: object, **headers: str) -> bytes:
    """A whole response: JSON, or a text as HTML."""
    is_text = isinstance(document, str)
    body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    own = {"content-type": "text/html" if is_text else "application/json", "content-length": str(len(body))}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in (own | headers).items()]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + body


def begin(writer: asyncio.StreamWriter, content_type: str = "text/event-stream") -> None:
    """The head of a stream."""
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode())


def write_piece(writer: asyncio.StreamWriter, piece: bytes) -> None:
    writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")


def end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"0\r\n\r\n")


def data(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def event(text: str, *, finish: str | None = None) -> bytes:
    """A chunk of a completion."""
    return data({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], "usage": None})


def saying(*pieces: bytes, content_type: str = "text/event-stream") -> Script:
    """A stream of these bytes, which ends as streams do."""

    async def script(writer: asyncio.StreamWriter) -> None:
        begin(writer, content_type)
        for piece in pieces:
            write_piece(writer, piece)
            await writer.drain()
            await asyncio.sleep(0.005)
        end(writer)

    return script


def refusing(status: int, document: object, **headers: str) -> Script:
    """A whole response."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, document, **headers))

    return script


def breaking_off(*pieces: bytes) -> Script:
    """A stream of these bytes, then a connection that is reset."""

    async def script(writer: asyncio.StreamWriter) -> None:
        begin(writer)
        for piece in pieces:
            write_piece(writer, piece)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    return script


@asynccontextmanager
async def upstream(**how: Any) -> AsyncIterator[Upstream]:
    """One that runs until the end."""
    server = Upstream(**how)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


async def run(kind: type[Upstream]) -> None:
    """Be one until somebody kills this process."""
    tokens = int(os.environ.get("SCRIPT_TOKENS", len(REPLY)))
    delay_s = float(os.environ.get("SCRIPT_DELAY_S", "0"))
    server = kind(reply=(REPLY * tokens)[:tokens], delay_s=delay_s, remembers=False, port=int(sys.argv[1]))
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Upstream))
