"""Bytes on a socket, and the responses that come back."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from httptools import HttpResponseParser
from loguru import logger

from tests.http.serving import KEY, Api

PAUSE_S = 1.0
"""A server that says nothing for so long waits for more."""
CLOSE_S = 20.0
"""How long a busy machine may take over a request that ends its connection."""
LAST = b"connection: close"
HEAD = b"host: x\r\nx-api-key: " + KEY.encode() + b"\r\n"
CHAT = b'{"message": "hi", "save": false}'


@dataclass
class Answer:
    """One response."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Reading:
    """What httptools calls."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.parser = HttpResponseParser(self)

    def on_message_begin(self) -> None:
        self.answers.append(Answer())

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answers[-1].headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.answers[-1].status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.answers[-1].body += body


def post(path: bytes, body: bytes, *extra: bytes, kind: bytes = b"application/json") -> bytes:
    """A request whose length is stated truly; LAST among its fields ends the connection."""
    return request(b"POST", path, b"content-type: " + kind, b"content-length: %d" % len(body), *extra) + body


def request(method: bytes, path: bytes, *fields: bytes) -> bytes:
    """A request up to its body."""
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, path, HEAD, b"".join(line + b"\r\n" for line in fields))


def exchange(api: Api, *pieces: bytes, pause_s: float | None = None) -> list[Answer]:
    """What the server answers to these bytes, until it closes the connection or waits for more."""
    reading = _Reading()
    port = httpx.URL(api.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
            connection.settimeout(pause_s or (CLOSE_S if LAST in pieces[-1] else PAUSE_S))
            while data := connection.recv(65536):
                reading.parser.feed_data(data)
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
    return reading.answers


def check(answers: list[Answer]) -> None:
    """No answer says that the server is to blame, and every refusal has the envelope."""
    for answer in answers:
        assert 100 <= answer.status < 500, answer
        if answer.status >= 400 and answer.body:
            error = json.loads(answer.body)["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert len(error["message"]) < 600


@contextmanager
def unblemished_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing comes into the log as an error meanwhile, from us or from anybody below."""
    complaints: list[str] = []
    sink = logger.add(complaints.append, level="ERROR")
    yield
    logger.remove(sink)
    assert complaints == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
