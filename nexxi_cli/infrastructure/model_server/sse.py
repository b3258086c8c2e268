"""Server-sent events as they come in (WHATWG HTML, 9.2.6): bytes become the data of whole events. Knows no model."""

import re

from nexxi_cli.core.errors import ModelServerUnavailable

MAX_EVENT_BYTES = 1_048_576
"""A token's event takes some 300 bytes. What is longer is no event, and would fill the memory if it were waited for."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventReader:
    """Push bytes, take the data of the events that they complete. Half an event at the end is dropped."""

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = b""
        self._data: list[str] = []
        self._size_bytes = 0

    def push(self, piece: bytes) -> list[str]:
        """The data of each event that ends in `piece`. Raises ModelServerUnavailable for one that is too long."""
        self._size_bytes += len(piece)
        if b"\n" not in piece and b"\r" not in piece and self._size_bytes <= self._max_bytes:
            self._rest += piece
            return []
        lines, self._rest = _split(self._rest + piece)
        events = []
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                events.append("\n".join(self._data))
                self._data = []
        if events:
            self._size_bytes = len(self._rest)
        if self._size_bytes > self._max_bytes:
            raise ModelServerUnavailable(f"the model server sent {self._size_bytes:,} bytes that are no whole event")
        return events

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":  # what an event is called, its id and comments say nothing about the reply
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))


def _split(text: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines, and what may still grow; a CR at the end may be half of a line's end."""
    held = b"\r" if text.endswith(b"\r") else b""
    *lines, rest = _LINE_END.split(text.removesuffix(held))
    return lines, rest + held
