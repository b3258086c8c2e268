"""A log record as one line, as text or as JSON. Knows what an event's fields are called, and how to keep a line one."""

import json
import traceback
from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Literal

from nexxi_cli.core.events import Event, RequestServed
from nexxi_cli.core.types import Timing, Usage

if TYPE_CHECKING:
    from datetime import datetime

    from loguru import Record

Style = Literal["text", "json"]

EVENT = "event"
LINE = "line"
"""The names in a record's extra under which an event and its finished line travel; all else in it are fields."""

NESTED = (Usage, Timing)

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


def as_json(record: "Record") -> str:
    """One JSON object: ts, level, event, the event's fields; of another line its message, of an error its traceback.

    All in ASCII, so that no character in it ends a line for anyone.
    """
    event, extra = _parts(record)
    line: dict[str, object] = {"ts": stamp(record["time"]), "level": record["level"].name}
    if event is None:
        line |= {"event": "Log", **extra, "message": record["message"]}
    else:
        line |= {"event": record["message"], **extra, **fields_of(event)}
    if record["exception"] is not None:
        line["exception"] = "".join(_traceback(record))
    return _encode(line).replace("\x7f", "\\u007f")


def as_text(record: "Record") -> str:
    """One line for people: time, level, what happened, `name=value`; of an error its traceback below, indented."""
    event, extra = _parts(record)
    words = [stamp(record["time"]), record["level"].name]
    if event is None:
        words.append(_printable(record["message"]))
    elif isinstance(event, RequestServed):
        words += [record["message"], *_served(event)]
    else:
        words += [record["message"], *_pairs(fields_of(event))]
    words += _pairs(extra)
    if record["exception"] is not None:
        below = "".join(_traceback(record)).rstrip("\n").split("\n")
        return " ".join(words) + "".join(f"\n    {_printable(line)}" for line in below)
    return " ".join(words)


def lost_lines(style: Style, moment: "datetime", count: int) -> str:
    """The line that stands for `count` others, which could not be written."""
    if style == "json":
        return _encode({"ts": stamp(moment), "level": "WARNING", "event": "LinesLost", "lines": count})
    return f"{stamp(moment)} WARNING LinesLost lines={count}"


def fields_of(event: Event | Usage | Timing) -> dict[str, object]:
    """The fields of an event by name, those of a value inside it on the same level; seconds to the microsecond."""
    flat: dict[str, object] = {}
    for name in event.__dataclass_fields__:
        value = getattr(event, name)
        if isinstance(value, NESTED):
            flat |= fields_of(value)
        else:
            flat[name] = round(value, 6) if isinstance(value, float) else value
    return flat


def stamp(moment: "datetime") -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _parts(record: "Record") -> tuple[Event | None, dict[str, object]]:
    extra = record["extra"]
    return extra.get(EVENT), {name: value for name, value in extra.items() if name not in (EVENT, LINE)}


def _served(event: RequestServed) -> Iterator[str]:
    yield f"{_word(event.method)} {_word(event.route)} {event.status} {event.seconds:.3f}s"
    yield f"key={_word(event.key_name or '-')}"
    if event.prompt_tokens is not None or event.completion_tokens is not None:
        yield f"tokens={event.prompt_tokens or 0}+{event.completion_tokens or 0}"
    for name, seconds in (("queued", event.queued_s), ("first_token", event.first_token_s)):
        if seconds is not None:
            yield f"{name}={seconds:.3f}s"
    if event.error is not None:
        yield f"error={_word(event.error)}"
    if event.reason is not None:
        yield f"reason={_word(event.reason)}"
    yield f"request_id={_word(event.request_id)}"


def _pairs(values: dict[str, object]) -> Iterator[str]:
    for name, value in values.items():
        match value:
            case None | "" | ():
                continue
            case float():
                yield f"{name}={value:.3f}"
            case bool():
                yield f"{name}={str(value).lower()}"
            case tuple():
                yield f"{name}={_word(','.join(map(str, value)))}"
            case _:
                yield f"{name}={_word(str(value))}"


def _word(text: str) -> str:
    """The text as one word: quoted where it could be taken for several."""
    shown = _printable(text)
    if text and not any(character in shown for character in " \"'="):
        return shown
    return '"' + shown.replace('"', '\\"') + '"'


def _printable(text: str) -> str:
    """The text with everything escaped that would end the line, or that a terminal obeys instead of showing it."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _traceback(record: "Record") -> Iterator[str]:
    """The traceback without any variable's value."""
    failure = record["exception"]
    assert failure is not None
    yield from traceback.format_exception(failure.type, failure.value, failure.traceback)
