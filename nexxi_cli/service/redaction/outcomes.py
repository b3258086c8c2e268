"""Outcomes: what is made of findings, as text to print. Knows operators and findings; knows no file and no process."""

import json
from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Protocol

from nexxi_cli.core.types import Finding
from nexxi_cli.service.edits import Edit, Edited
from nexxi_cli.service.findings import moved
from nexxi_cli.service.redaction.operators import Operators
from nexxi_cli.service.redaction.records import Record

Counts = Counter[tuple[str, str]]
"""How many findings there are by type and rule."""

_BY = attrgetter("type", "rule")


class Outcome(Protocol):
    """Takes one text piece by piece, or record by record; returns what is to be printed of it."""

    counts: Counts

    def piece(self, text: str, at: int, findings: Sequence[Finding], origin: int) -> str:
        """The next piece, which begins at `at`, counted from `origin` as the findings are: a StreamGuard's Render."""

    def record(self, record: Record) -> str:
        """The next record."""

    def finish(self) -> str:
        """The text is over."""


class Redacted:
    """The text, with what stands for each finding."""

    def __init__(self, operators: Operators) -> None:
        self._operators = operators
        self.counts: Counts = Counter()

    def piece(self, text: str, at: int, findings: Sequence[Finding], origin: int) -> str:
        """The piece as it may leave."""
        if findings:
            _count(self.counts, findings)
        return self._operators.render(text, at, findings)

    def record(self, record: Record) -> str:
        """The record as it may leave: every character outside of findings as it was."""
        edits: list[Edit] = []
        for value, findings in record.values:
            _count(self.counts, findings)
            changes = [
                Edit(one.start, one.end, self._operators.apply(one.type, value.text[one.start : one.end]))
                for one in findings
            ]
            edits += value.edits(record.raw, changes) if changes else ()
        if not edits:
            return record.raw
        self._operators.settle()
        return Edited(record.raw, edits).text

    def finish(self) -> str:
        """Nothing follows."""
        return ""


class Checked:
    """`name:line:column TYPE rule`, a line for each finding; lines and columns, in characters, count from 1."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line = 1
        self._column = 1
        self.counts: Counts = Counter()

    def piece(self, text: str, at: int, findings: Sequence[Finding], origin: int) -> str:
        """What was found in the piece."""
        if findings:
            _count(self.counts, findings)
        lines: list[str] = []
        done = 0
        for finding in findings:
            self._advance(text, done, finding.start - at)
            done = finding.start - at
            lines.append(self._found(finding))
        self._advance(text, done, len(text))
        return "".join(lines)

    def record(self, record: Record) -> str:
        """What was found in the record."""
        lines: list[str] = []
        done = 0
        for value, findings in record.values:
            _count(self.counts, findings)
            spans = value.raw_spans(record.raw, [(one.start, one.end) for one in findings])
            for finding, (start, _) in zip(findings, spans, strict=True):
                self._advance(record.raw, done, start)
                done = start
                lines.append(self._found(finding))
        self._advance(record.raw, done, len(record.raw))
        return "".join(lines)

    def finish(self) -> str:
        """Nothing follows."""
        return ""

    def _found(self, finding: Finding) -> str:
        return f"{self._name}:{self._line}:{self._column} {finding.type} {finding.rule}\n"

    def _advance(self, text: str, start: int, end: int) -> None:
        lines = text.count("\n", start, end)
        self._line += lines
        self._column = end - text.rfind("\n", start, end) if lines else self._column + end - start


class Reported:
    """A line of JSON for each record, or for the whole text: its findings, offsets in characters of the text.

    name: that of the file, which each line says, if it has one. records: the text has records, perhaps none; with
    `fields` each finding says which one it is in.
    """

    def __init__(self, name: str | None, *, records: bool = False, fields: bool = False) -> None:
        self._name = name
        self._has_records = records
        self._with_fields = fields
        self._records = 0
        self._open = ""
        self.counts: Counts = Counter()

    def piece(self, text: str, at: int, findings: Sequence[Finding], origin: int) -> str:
        """The findings, as a part of the line that `finish` ends."""
        begin = "" if self._open else '{"findings": ['
        if findings:
            _count(self.counts, findings)
        written = ", ".join(json.dumps(finding._asdict()) for finding in moved(findings, origin))
        lead = self._open if findings and self._open == ", " else ""
        self._open = ", " if findings or self._open == ", " else " "
        return begin + lead + written

    def record(self, record: Record) -> str:
        """The line of the record; none for an empty one."""
        if not record.raw.strip():
            return ""
        self._records += 1
        found: list[dict[str, object]] = []
        for value, findings in record.values:
            _count(self.counts, findings)
            extra = {"field": value.field} if self._with_fields else {}
            found += (finding._asdict() | extra for finding in findings)
        return self._line({"findings": found, **self._origin(), "record": self._records})

    def finish(self) -> str:
        """The end of the line; a text without records has one in any case."""
        if self._has_records and not self._open:
            return ""
        begin = "" if self._open else '{"findings": ['
        self._open = ""
        rest = json.dumps(self._origin(), ensure_ascii=False)[1:-1]
        return f"{begin}]{', ' if rest else ''}{rest}}}\n"

    def _origin(self) -> dict[str, str]:
        return {} if self._name is None else {"file": self._name.encode("utf-8", "replace").decode()}

    def _line(self, document: dict[str, object]) -> str:
        return json.dumps(document, ensure_ascii=False) + "\n"


def _count(counts: Counts, findings: Sequence[Finding]) -> None:
    counts.update(map(_BY, findings))
