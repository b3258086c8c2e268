"""Sifted: a recognizer without those of its findings that do not count. Knows what is allowed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding


@dataclass(frozen=True, slots=True)
class AllowList:
    """Values that are no finding: some by name, some by a pattern that matches the whole of them."""

    values: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()

    def has(self, value: str) -> bool:
        """Whether `value` may stay."""
        return value in self.values or any(pattern.fullmatch(value) for pattern in self.patterns)


def parse_allow_list(lines: Iterable[str], *, name: str) -> AllowList:
    """One value or /regular expression/ a line; empty lines and those that begin with # say nothing.

    Raises UsageError, with the `name` of the file and the line, for a pattern that is none.
    """
    values: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for number, line in enumerate(lines, 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if len(entry) > 2 and entry[0] == entry[-1] == "/":
            try:
                patterns.append(re.compile(entry[1:-1]))
            except re.error as error:
                raise UsageError(f"{name}:{number}: {entry} is no regular expression: {error}") from error
        else:
            values.add(entry)
    return AllowList(frozenset(values), tuple(patterns))


class Sifted:
    """What `recognizer` finds, if it is certain enough and not allowed.

    It leaves findings out before those that overlap are settled, so that one that does not count hides no other.
    """

    def __init__(self, recognizer: Recognizer, *, min_confidence: float = 0.0, allowed: AllowList) -> None:
        self._recognizer = recognizer
        self._min_confidence = min_confidence
        self._allowed = allowed

    @property
    def types(self) -> frozenset[str]:
        """Every type that its findings can have."""
        return self._recognizer.types

    @property
    def max_chars(self) -> int:
        """Longest match in characters."""
        return self._recognizer.max_chars

    def find(self, text: str, start: int = 0) -> Iterator[Finding]:
        """Findings that begin at `start` or later and count."""
        for finding in self._recognizer.find(text, start):
            if finding.confidence >= self._min_confidence and not self._allowed.has(text[finding.start : finding.end]):
                yield finding

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a match may begin that text to come can change."""
        return self._recognizer.open_from(text, start)


def sifted(recognizers: Sequence[Recognizer], *, min_confidence: float, allowed: AllowList) -> tuple[Recognizer, ...]:
    """The recognizers as they are when all of their findings count."""
    if min_confidence <= 0 and allowed == AllowList():
        return tuple(recognizers)
    return tuple(Sifted(one, min_confidence=min_confidence, allowed=allowed) for one in recognizers)
