"""Texts: looked at as a whole or record by record; both come in pieces and go out as an Outcome has them."""

from collections.abc import Iterator
from typing import Protocol

from nexxi_cli.service.redaction.outcomes import Outcome
from nexxi_cli.service.redaction.records import Record, Value
from nexxi_cli.service.redaction.searching import Search
from nexxi_cli.service.stream_guard import StreamGuard

MAX_RECORD_CHARS = 1 << 22
"""A longer record is not taken apart: memory has to stay bounded. It is looked at as a plain text, all of it."""


class TextStream(Protocol):
    """A text on its way through."""

    def push(self, text: str) -> str:
        """Take the next piece; return what is to be printed by now."""

    def finish(self) -> str:
        """The text is over; return the rest."""


class PlainText:
    """A text without structure."""

    def __init__(self, search: Search, outcome: Outcome) -> None:
        self._guard = search.guard(outcome.piece)
        self._outcome = outcome

    def push(self, text: str) -> str:
        """Take the next piece."""
        return self._guard.push(text)

    def finish(self) -> str:
        """The text is over."""
        return self._guard.finish() + self._outcome.finish()


class Fields(Protocol):
    """Knows where records end and where in them the wanted values stand."""

    def end(self, text: str, start: int) -> int | None:
        """Where the record that begins at `start` ends, its line end included; None where that is still to come."""

    def values(self, raw: str) -> list[Value] | None:
        """The wanted values; None where it is no record of this kind."""


class RecordText:
    """Records, of which only the wanted values are looked at; what is no record is looked at as a plain text.

    unreadable: how many there were of those.
    """

    def __init__(self, search: Search, fields: Fields, outcome: Outcome) -> None:
        self._search = search
        self._fields = fields
        self._outcome = outcome
        self._buffer = ""
        self._overlong: StreamGuard | None = None
        self.unreadable = 0

    def push(self, text: str) -> str:
        """Take the next piece."""
        return "".join(self._take(text))

    def finish(self) -> str:
        """The text is over."""
        rest, self._buffer = self._buffer, ""
        if self._overlong is not None:
            return rest + self._end_overlong()
        return (self._one(rest) if rest else "") + self._outcome.finish()

    def _take(self, text: str) -> Iterator[str]:
        if self._overlong is not None:
            line_end = text.find("\n") + 1
            yield self._overlong.push(text[:line_end] if line_end else text)
            if not line_end:
                return
            yield self._end_overlong()
            text = text[line_end:]
        if "\n" not in text and len(self._buffer) + len(text) <= MAX_RECORD_CHARS:
            self._buffer += text
            return
        self._buffer += text
        at = 0
        while (end := self._fields.end(self._buffer, at)) is not None:
            yield self._one(self._buffer[at:end])
            at = end
        self._buffer = self._buffer[at:]
        if len(self._buffer) > MAX_RECORD_CHARS:
            held, self._buffer = self._buffer, ""
            self._overlong = self._search.guard(self._outcome.piece)
            self.unreadable += 1
            yield from self._take(held)

    def _end_overlong(self) -> str:
        assert self._overlong is not None
        rest = self._overlong.finish() + self._outcome.finish()
        self._overlong = None
        return rest

    def _one(self, raw: str) -> str:
        values = self._fields.values(raw) if raw.strip() else []
        if values is None:
            self.unreadable += 1
            values = [Value("", raw, 0, len(raw), "bare")]
        return self._outcome.record(Record(raw, tuple((value, self._search.find(value.text)) for value in values)))
