r"""Records and their values: texts inside a line of JSON or CSV, and what the line is once parts of them are replaced.

A value knows how it is written: an edit touches the characters that it replaces, and every other one stays as it was,
`\u00e9` as much as `é`.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nexxi_cli.core.types import Finding
from nexxi_cli.service.edits import Edit

_JSON_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|[^\\]+", re.DOTALL
)
_CSV_UNIT = re.compile(r'""|[^"]+|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Value:
    """A text in a record, which is written in characters start to end (exclusive) of it.

    kind: "json" between the quotes of a JSON string, "number" a JSON number, "quoted" between the quotes of a CSV
    field, "bare" a CSV field without quotes.
    """

    field: str
    text: str
    start: int
    end: int
    kind: str
    special: str = ""

    def raw_spans(self, raw: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Where in the record's `raw` text these parts of `text` are written. They are in order."""
        if self.kind in ("number", "bare"):
            return [(self.start + start, self.start + end) for start, end in spans]
        wanted = [offset for span in spans for offset in span]
        places = list(_places(_JSON_UNIT if self.kind == "json" else _CSV_UNIT, raw, self.start, self.end, wanted))
        return list(zip(places[::2], places[1::2], strict=True))

    def edits(self, raw: str, changes: Sequence[Edit]) -> Iterator[Edit]:
        """The edits of the record's `raw` text that make these changes of `text`."""
        spans = self.raw_spans(raw, [(change.start, change.end) for change in changes])
        if self.kind == "number":  # what stands for a part of a number is no number
            yield Edit(self.start, self.start, '"')
        quoted = self.kind == "bare" and any(set(change.text) & set(self.special) for change in changes)
        if quoted:
            yield Edit(self.start, self.start, '"')
        for (start, end), change in zip(spans, changes, strict=True):
            yield Edit(start, end, self._written(change.text, doubled=quoted or self.kind == "quoted"))
        if quoted or self.kind == "number":
            yield Edit(self.end, self.end, '"')

    def _written(self, text: str, *, doubled: bool) -> str:
        if self.kind in ("json", "number"):
            return json.dumps(text, ensure_ascii=any("\ud800" <= char <= "\udfff" for char in text))[1:-1]
        return text.replace('"', '""') if doubled else text


@dataclass(frozen=True, slots=True)
class Record:
    """A line of JSON, or of a table, with its line end; values come with what was found in them."""

    raw: str
    values: tuple[tuple[Value, tuple[Finding, ...]], ...]


def _places(unit: re.Pattern[str], raw: str, start: int, end: int, wanted: Sequence[int]) -> Iterator[int]:
    """Where the characters with these numbers, in order, of a decoded text are written."""
    count, number = len(wanted), 0
    decoded, at = 0, start
    for match in unit.finditer(raw, start, end):
        if number == count:
            return
        is_one = match[0][0] in '\\"'
        length = 1 if is_one else match.end() - match.start()
        while number < count and wanted[number] < decoded + length:
            yield match.start() + (0 if is_one else wanted[number] - decoded)
            number += 1
        decoded += length
        at = match.end()
    for _ in range(count - number):
        yield at
