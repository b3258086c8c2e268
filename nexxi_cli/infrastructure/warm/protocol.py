"""What a chat and a warm engine say to each other: a line of JSON each. Knows the lines, not how they travel.

The engine says who it is. The chat asks one thing. The engine answers with one line or, to `generate`, a line a delta;
while it has nothing to say, it sends empty answers, so that silence means that it is stuck.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeVar, get_args

from nexxi_cli.core import errors
from nexxi_cli.core.errors import ModelUnavailable, NexxiError
from nexxi_cli.core.types import Delta, Message, ModelInfo, RunningEngine, Sampling, Usage
from nexxi_cli.infrastructure.warm.identity import EngineIdentity

T = TypeVar("T")

LINE_BYTES = 2**26
"""The longest line: far more than any model's context."""
BEAT_S = 5.0
"""How long an engine is silent at most."""
RETRY_S = 5.0

Task = Literal["info", "ready", "count_tokens", "generate", "status", "keep", "stop"]


class ProtocolError(Exception):
    """A line that says nothing that is known."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, and what that needs. `seconds`: how long `keep` keeps the engine without a request."""

    task: Task
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()  # noqa: RUF009 - frozen
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A line of the engine's: one of these, or none for a sign of life. `done`: there is nothing more to come."""

    done: bool = False
    info: ModelInfo | None = None
    count: int | None = None
    delta: Delta | None = None
    status: RunningEngine | None = None
    error: NexxiError | None = None


def identity_line(identity: EngineIdentity) -> bytes:
    """The engine's first line."""
    return _line(asdict(identity))


def read_identity(line: bytes) -> EngineIdentity:
    """Who it is. Raises ProtocolError."""
    return _checked(lambda: EngineIdentity(**_object(line)))


def request_line(request: Request) -> bytes:
    """The only line of the chat's."""
    return _line(asdict(request))


def read_request(line: bytes) -> Request:
    """What is wanted. Raises ProtocolError."""

    def read() -> Request:
        values = _object(line)
        if values["task"] not in get_args(Task):
            raise ProtocolError(f"there is no task {values['task']!r}")
        sampling = {**values["sampling"], "stop": tuple(values["sampling"]["stop"])}
        messages = tuple(Message(**message) for message in values["messages"])
        return Request(values["task"], messages, Sampling(**sampling), float(values["seconds"]))

    return _checked(read)


def answer_line(answer: Answer) -> bytes:
    """A line of the engine's."""
    told = {field.name: value for field in fields(answer) if (value := getattr(answer, field.name)) is not None}
    plain = {name: _plain(value) for name, value in told.items() if value is not False}
    return _line(plain)


def read_answer(line: bytes) -> Answer:
    """What it says. Raises ProtocolError."""

    def read() -> Answer:
        values = _object(line)
        for name, made in _READERS.items():
            if name in values:
                values[name] = made(values[name])
        return Answer(**values)

    return _checked(read)


def _plain(value: Any) -> object:
    if isinstance(value, NexxiError):
        wait_s = getattr(value, "retry_after_s", None)
        return {"type": type(value).__name__, "message": str(value), "retry_after_s": wait_s}
    return value if isinstance(value, (bool, int)) else asdict(value)


def _read_error(values: Mapping[str, Any]) -> NexxiError:
    """The error as itself; one of a kind that is not ours to make is a ModelUnavailable."""
    kind, message = getattr(errors, str(values["type"]), None), str(values["message"])
    if kind in (errors.Overloaded, errors.QuotaExceeded):
        busy: NexxiError = kind(message, retry_after_s=float(values["retry_after_s"] or RETRY_S))
        return busy
    if isinstance(kind, type) and issubclass(kind, NexxiError):
        return kind(message)
    return ModelUnavailable(message)


def _read_delta(values: Mapping[str, Any]) -> Delta:
    usage = values["usage"]
    return Delta(values["text"], values["finish"], None if usage is None else Usage(**usage))


_READERS: Mapping[str, Any] = {
    "info": lambda values: ModelInfo(**values),
    "delta": _read_delta,
    "status": lambda values: RunningEngine(**values),
    "error": _read_error,
}


def _line(values: object) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"  # ASCII: no text ends a line, surrogates pass


def _object(line: bytes) -> dict[str, Any]:
    values = json.loads(line)
    if not isinstance(values, dict):
        raise ProtocolError("a line is a JSON object")
    return values


def _checked(read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"that is no line of ours: {error}") from error
