"""JsonFields: where in a line of JSON the strings stand that a path names. Reads, and changes nothing."""

from collections.abc import Sequence
from json import JSONDecodeError, JSONDecoder

from nexxi_cli.service.redaction.records import Value

Paths = Sequence[tuple[str, ...]]

_BLANK = " \t\n\r"
_DECODER = JSONDecoder(strict=False)  # a raw tab in a string is one


class JsonFields:
    """Dotted paths: `user.email`. They go into each element of a list, or by its number; `*` is every key.

    A path that ends at an object or a list stands for all strings and numbers in it.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = [tuple(path.split(".")) for path in paths]

    def end(self, text: str, start: int) -> int | None:
        """Where the line that begins at `start` ends."""
        return text.find("\n", start) + 1 or None

    def values(self, line: str) -> list[Value] | None:
        """The values of the paths, in their order in the line; None where the line is no JSON."""
        found: list[Value] = []
        try:
            end = self._walk(line, _after_blanks(line, 0), self._paths, (), found)
        except (JSONDecodeError, StopIteration, IndexError, RecursionError):
            return None
        return found if _after_blanks(line, end) == len(line) else None

    def _walk(self, line: str, at: int, paths: Paths, here: tuple[str, ...], found: list[Value]) -> int:
        """Collect below the value that begins at `at`; returns where it ends."""
        char = line[at]
        if char == "{":
            return self._object(line, at + 1, paths, here, found)
        if char == "[":
            return self._list(line, at + 1, paths, here, found)
        value, end = _DECODER.raw_decode(line, at)
        if () in paths:
            if isinstance(value, str):
                found.append(Value(".".join(here), value, at + 1, end - 1, "json"))
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                found.append(Value(".".join(here), line[at:end], at, end, "number"))
        return end

    def _object(self, line: str, at: int, paths: Paths, here: tuple[str, ...], found: list[Value]) -> int:
        at = _after_blanks(line, at)
        if line[at] == "}":
            return at + 1
        while True:
            if line[at] != '"':
                raise StopIteration
            key, at = _DECODER.raw_decode(line, at)
            at = _after(line, at, ":")
            below = list(_below(paths, key))
            if below:
                at = self._walk(line, at, below, (*here, key), found)
            else:
                _, at = _DECODER.raw_decode(line, at)
            at = _after_blanks(line, at)
            if line[at] == "}":
                return at + 1
            at = _after(line, at, ",")

    def _list(self, line: str, at: int, paths: Paths, here: tuple[str, ...], found: list[Value]) -> int:
        at = _after_blanks(line, at)
        if line[at] == "]":
            return at + 1
        number = 0
        while True:
            below = [*paths, *(path[1:] for path in paths if path and path[0] == str(number))]
            at = self._walk(line, at, below, (*here, str(number)), found)
            number += 1
            at = _after_blanks(line, at)
            if line[at] == "]":
                return at + 1
            at = _after(line, at, ",")


def _below(paths: Paths, key: str) -> Sequence[tuple[str, ...]]:
    below: list[tuple[str, ...]] = []
    for path in paths:
        if not path:
            below.append(path)
        elif path[0] == "*":
            below.append(path[1:])
        else:  # a key may have dots in it itself
            below += (path[count:] for count in range(1, len(path) + 1) if ".".join(path[:count]) == key)
    return below


def _after_blanks(line: str, at: int) -> int:
    while at < len(line) and line[at] in _BLANK:
        at += 1
    return at


def _after(line: str, at: int, char: str) -> int:
    at = _after_blanks(line, at)
    if line[at] != char:
        raise StopIteration
    return _after_blanks(line, at + 1)
