"""`python -m tests.bench.model_server PORT`: a model server that answers everybody the same, as fast as Python can."""

import asyncio
import json
import re
import sys
from typing import cast

import uvloop

WORDS = (
    "The",
    " capital",
    " of",
    " France",
    " is",
    " Paris",
    ".",
    " It",
    " lies",
    " on",
    " the",
    " Seine",
    ".",
    "",
    "",
    "",
)
LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


def _whole(document: object) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _stream() -> bytes:
    choices: list[dict[str, object]] = [
        {"index": 0, "delta": {"content": word}, "finish_reason": None} for word in WORDS
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    usage = {"prompt_tokens": 16, "completion_tokens": len(WORDS), "total_tokens": 16 + len(WORDS)}
    events = [
        json.dumps(chunk) for chunk in (*({"choices": [choice]} for choice in choices), {"choices": [], "usage": usage})
    ]
    pieces = [f"data: {event}\n\n".encode() for event in (*events, "[DONE]")]
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + body


ANSWERS = {
    b"/v1/models": _whole({"object": "list", "data": [{"id": "scripted", "max_model_len": 4096}]}),
    b"/tokenize": _whole({"count": 16, "max_model_len": 4096}),
    b"/v1/chat/completions": _stream(),
}


class Answering(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            self._transport.write(ANSWERS[head.split(b" ", 2)[1]])


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
