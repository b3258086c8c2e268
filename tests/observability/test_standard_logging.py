"""What other libraries log comes out as our lines do."""

import asyncio
import io
import json
import logging
import socket
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from nexxi_cli.observability.logs import flush_logs, log_to
from nexxi_cli.observability.standard_logging import ToLoguru, route_standard_logging

NAMES = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


class Log:
    """What has been written so far, as documents."""

    def __init__(self) -> None:
        self._sink = io.StringIO()
        log_to(self._sink, level="DEBUG", style="json")

    def documents(self) -> list[dict[str, Any]]:
        flush_logs()
        return [json.loads(line) for line in self._sink.getvalue().splitlines()]


class AnnouncedServer(uvicorn.Server):
    """A server for whose start one can wait."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@pytest.fixture
def log() -> Iterator[Log]:
    """Standard logging is routed here for one test."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(found.handlers[:], found.level, found.propagate) for found in loggers]
    route_standard_logging()
    yield Log()
    logging.captureWarnings(capture=False)
    for found, (handlers, level, propagate) in zip(loggers, before, strict=True):
        found.handlers[:], found.level, found.propagate = handlers, level, propagate
        found.manager._clear_cache()


def test_a_line_of_a_library_has_its_logger_and_level(log: Log) -> None:
    logging.getLogger("sqlalchemy.pool").warning("pool of %d is full", 5)
    [found] = log.documents()
    assert (found["level"], found["event"], found["logger"]) == ("WARNING", "Log", "sqlalchemy.pool")
    assert found["message"] == "pool of 5 is full"


def test_a_failure_comes_with_its_traceback_in_the_same_line(log: Log) -> None:
    try:
        raise ZeroDivisionError("zero")
    except ZeroDivisionError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    [found] = log.documents()
    assert found["exception"].endswith("ZeroDivisionError: zero\n")


def test_what_libraries_tell_below_a_warning_stays_unsaid(log: Log) -> None:
    logging.getLogger("sqlalchemy.engine").info("[parameters] what people wrote")
    logging.getLogger("httpcore").debug("request headers: the key")
    assert log.documents() == []


def test_routing_twice_writes_each_line_once(log: Log) -> None:
    route_standard_logging()
    logging.getLogger("asyncio").error("a task was never awaited")
    assert len(log.documents()) == 1


def test_arguments_that_do_not_fit_their_message_harm_nobody(log: Log) -> None:
    odd = {"name": "asyncio", "msg": "%d of %s", "args": ("x",), "levelno": 35, "levelname": "Level 35"}
    ToLoguru().emit(logging.makeLogRecord(odd))
    logging.getLogger("asyncio").error("the next one")
    first, second = log.documents()
    assert (first["message"], first["level"]) == ("%d of %s", "Level 35")
    assert second["message"] == "the next one"


def test_a_warning_is_a_line(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        route_standard_logging()
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    [found] = log.documents()
    assert found["logger"] == "py.warnings"


async def test_uvicorn_says_when_it_starts_and_leaves_requests_to_us(log: Log) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server = AnnouncedServer(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    await server.is_up.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /secret?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"204" in await reader.readline()
    writer.close()
    server.should_exit = True
    await task
    messages = [found["message"] for found in log.documents()]
    assert any(message.startswith("Uvicorn running on") for message in messages)
    assert not any("/secret" in message for message in messages)
