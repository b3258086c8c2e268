"""CsvFields: where in a record of a table (RFC 4180) the columns stand that a name or a number names."""

import re
from collections.abc import Sequence
from dataclasses import replace

from nexxi_cli.core.errors import UsageError
from nexxi_cli.service.redaction.records import Value

DELIMITERS = ",;\t|"


class CsvFields:
    """Columns by their name in the first record, or by number, the first is 1; then the first record has no names.

    delimiter: None takes the one of DELIMITERS that the first record has most of.
    """

    def __init__(self, columns: Sequence[str], delimiter: str | None = None) -> None:
        self._columns = columns
        self._delimiter = delimiter
        self._field: re.Pattern[str] | None = None
        self._wanted: dict[int, str] | None = None
        if any(column.isascii() and column.isdigit() and int(column) == 0 for column in columns):
            raise UsageError("--csv 0: the first column is 1")
        if all(column.isascii() and column.isdigit() for column in columns):
            self._wanted = {int(column) - 1: column for column in columns}

    def end(self, text: str, start: int) -> int | None:
        """Where the record that begins at `start` ends, its line end included; None where that is still to come."""
        first_line = text.find("\n", start)
        if first_line < 0:
            return None
        field = self._pattern(text[start:first_line])
        at = start
        while match := field.match(text, at):
            at = match.end()
            if at >= len(text):
                return None
            if text[at] == "\n":
                return at + 1
            at += 1
        return None

    def values(self, raw: str) -> list[Value] | None:
        """The fields of the wanted columns. Raises UsageError when the first record lacks a name.

        None where a quote is not closed.
        """
        field = self._pattern(raw)
        body = raw.removesuffix("\n").removesuffix("\r")
        fields: list[Value] = []
        at = 0
        while at <= len(body):
            match = field.match(body, at)
            if match is None:
                return None
            fields.append(self._value(match))
            at = match.end() + 1
        if self._wanted is None:
            self._wanted = self._named([one.text.removeprefix("\ufeff") for one in fields])
            return []
        wanted = self._wanted
        return [replace(one, field=wanted[number]) for number, one in enumerate(fields) if number in wanted]

    def _value(self, match: re.Match[str]) -> Value:
        assert self._delimiter is not None
        if match[1] is not None:
            return Value("", match[1].replace('""', '"'), match.start(1), match.end(1), "quoted")
        return Value("", match[0], match.start(), match.end(), "bare", f'{self._delimiter}"\r\n')

    def _named(self, names: Sequence[str]) -> dict[int, str]:
        wanted: dict[int, str] = {}
        for column in self._columns:
            if column in names:
                wanted[names.index(column)] = column
            elif column.isascii() and column.isdigit():
                wanted[int(column) - 1] = column
            else:
                raise UsageError(f"there is no column {column}; there are {', '.join(names)}")
        return wanted

    def _pattern(self, first_line: str) -> re.Pattern[str]:
        if self._field is None:
            if self._delimiter is None:
                self._delimiter = max(DELIMITERS, key=first_line.count)
            delimiter = re.escape(self._delimiter)
            closed, other = '"((?:[^"]|"")*+)"', f"[^{delimiter}\\n]*+"
            # what follows a closing quote belongs to the field, as spreadsheets read it: that is a bare one
            self._field = re.compile(rf'{closed}(?=[{delimiter}\r\n]|\Z)|"(?:[^"]|"")*+"{other}|(?!"){other}')
        return self._field
