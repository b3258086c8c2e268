"""`python -m tests.bench.paced_server PORT PACE`: a model server whose every stream writes PACE tokens a second.

As one with a real model does that has room for all: a stream's first token comes after one pace, whoever else asks.
"""

import asyncio
import json
import sys
from typing import cast

import uvloop

from tests.bench.model_server import ANSWERS, LENGTH, WORDS

PATH = b"/v1/chat/completions"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PROMPT_TOKENS = 16


def _piece(document: object) -> bytes:
    text = document if isinstance(document, str) else json.dumps(document)
    event = f"data: {text}\n\n".encode()
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


def _token(number: int) -> bytes:
    word = WORDS[number % len(WORDS)] or " and"
    return _piece({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})


class Answering(asyncio.Protocol):
    """One connection."""

    pace = 13.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        if path != PATH:
            self._transport.write(ANSWERS[path])
            return
        self._transport.write(HEAD)
        self._write_later(0, json.loads(body)["max_tokens"], self._loop.time())

    def _write_later(self, number: int, count: int, began: float) -> None:
        self._timer = self._loop.call_at(began + (number + 1) / self.pace, self._write, number, count, began)

    def _write(self, number: int, count: int, began: float) -> None:
        self._transport.write(_token(number))
        if number + 1 < count:
            self._write_later(number + 1, count, began)
            return
        usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": count, "total_tokens": PROMPT_TOKENS + count}
        finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
        last = (finish, {"choices": [], "usage": usage}, "[DONE]")
        self._transport.write(b"".join(map(_piece, last)) + b"0\r\n\r\n")


async def main(port: int, pace: float) -> None:
    Answering.pace = pace
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
