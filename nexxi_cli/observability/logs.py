"""Events as log lines, over Loguru: the event's name and its fields. Knows which of them an operator must see."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from nexxi_cli.core.events import (
    ArchiveDown,
    ArchiveUp,
    EngineNotShared,
    EngineShared,
    Event,
    KeysDown,
    KeysUp,
    ModelLoaded,
    ModelServerDown,
    ModelServerUp,
    RequestServed,
    StoreDown,
    StoreUp,
    WorkerReplaced,
)
from nexxi_cli.observability.line_writer import LineWriter
from nexxi_cli.observability.lines import EVENT, LINE, Style, as_json, as_text, lost_lines

if TYPE_CHECKING:
    from loguru import Record

LEVELS: Mapping[type[Event], str] = {
    RequestServed: "INFO",
    ModelLoaded: "INFO",
    StoreDown: "WARNING",
    StoreUp: "INFO",
    ArchiveDown: "WARNING",
    ArchiveUp: "INFO",
    KeysDown: "WARNING",
    KeysUp: "INFO",
    ModelServerDown: "WARNING",
    ModelServerUp: "INFO",
    WorkerReplaced: "WARNING",
    EngineShared: "INFO",
    EngineNotShared: "INFO",
}
"""What an operator must see; all that is not here is a detail of one request, at DEBUG."""

_writers: list[LineWriter] = []


def log_to(sink: TextIO | None = None, *, level: str, style: Style = "text") -> None:
    """Send log lines of `level` and above to `sink` (standard error), and nowhere else.

    A thread writes them, so a reader who is slow or stops holds up neither a request nor the event loop. A traceback
    shows no variable's value, as that may be what people wrote.
    """
    logger.remove()  # stops the writer of the call before this one, too
    writer = LineWriter(sink or sys.stderr, lambda count: lost_lines(style, datetime.now(UTC), count))
    _writers[:] = [writer]
    line = as_json if style == "json" else as_text
    logger.add(writer, level=level, format=partial(_formatted, line), diagnose=False, backtrace=False)


def flush_logs() -> None:
    """Wait until every line so far is written; for at most five seconds."""
    for writer in _writers:
        writer.drain()


class LogObserver:
    """Writes each event as one line; without `details`, only those of which LEVELS says that they must be seen."""

    def __init__(self, *, details: bool = True) -> None:
        self._details = details

    def notify(self, event: Event) -> None:
        """Log `event` at its level."""
        level = LEVELS.get(type(event))
        if level is not None or self._details:  # a line that Loguru drops costs as much as five events that are counted
            logger.bind(**{EVENT: event}).log(level or "DEBUG", type(event).__name__)


def _formatted(line: Callable[["Record"], str], record: "Record") -> str:
    """The format that Loguru fills in; it takes the line from the record, as a line may have braces in it."""
    record["extra"][LINE] = line(record)
    return f"{{extra[{LINE}]}}\n"
