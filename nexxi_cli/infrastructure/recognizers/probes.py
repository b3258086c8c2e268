"""Where a text may hold a finding at all: one pass of Hyperscan over the probes of all rules.

A probe is a short expression of which every match of its rule is near. Hyperscan takes no lookarounds and tells where
an expression ends, not where it begins: both are fine for a probe, which may be wrong as long as it misses nothing.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from nexxi_cli.infrastructure.recognizers.compiled import compiled

WIDE = r"?\x80-\xff"
"""What a character beyond ASCII may be in a probe: Latin-1 as it is, all others a question mark."""


@dataclass(frozen=True, slots=True)
class Probe:
    r"""An expression over Latin-1 bytes, in what `re` and Hyperscan have in common.

    A match of the rule begins from `most` to `least` characters before the end of the expression. `alone`: the inside
    of a class of characters that cannot stand before the expression. `without`: characters of which there is
    none from the match's first one to `least` before the end. `to_digit`: a match that begins after the expression
    begins no later than the first digit after it.
    """

    expression: str
    most: int
    least: int
    alone: str = ""
    caseless: bool = False
    without: str = ""
    to_digit: bool = False

    @property
    def expressions(self) -> tuple[str]:
        """The expression with what cannot stand before it."""
        before = f"(?:^|[^{self.alone}])" if self.alone else ""
        return (f"{'(?i)' if self.caseless else ''}{before}(?:{self.expression})",)

    @property
    def back(self) -> int | None:
        """How many characters before the end of the expression every match begins; None where that differs."""
        return self.least if self.least == self.most and not self.without else None

    def spans(self, text: str, start: int, ends: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Where in `text`, from `start` on, a match may begin for each place where the expression ends."""
        if self.without or self.to_digit:
            return self._within(text, start, ends)
        least, most = self.least, self.most
        early = bisect_left(ends, start + most)
        spans = [(start, end - least) for end in ends[:early] if end - least >= start]
        spans += [(end - most, end - least) for end in ends[early:]]
        return spans

    def _within(self, text: str, start: int, ends: Sequence[int]) -> list[tuple[int, int]]:
        least, most, without, to_digit, find_digit = self.least, self.most, self.without, self.to_digit, _digit().search
        last_of = text.rfind
        spans: list[tuple[int, int]] = []
        for end in ends:
            last = end - least
            first = end - most
            if first < start:
                first = start
            for char in without:
                if (found := last_of(char, first, last)) >= 0:
                    first = found + 1
            if to_digit and (digit := find_digit(text, end, last)):
                last = digit.start()
            if first <= last:
                spans.append((first, last))
        return spans


@cache
def _digit() -> re.Pattern[str]:
    return re.compile("[0-9]")


class AnyProbe(Protocol):
    """What the prefilter needs of a probe. Equal ones are looked for once."""

    @property
    def expressions(self) -> Sequence[str]:
        """Expressions over Latin-1, each as good as the other."""

    @property
    def back(self) -> int | None:
        """How many characters before the end of an expression every match begins; None where that differs."""

    def spans(self, text: str, start: int, ends: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Where in `text`, from `start` on, a match may begin for each place where the expression ends."""


def over_latin_1(expression: str) -> str:
    """The expression with what its characters beyond ASCII, which stand in no class, may be in a probe."""
    return "".join(char if char.isascii() else f"[{WIDE}]" for char in expression)


def head(expression: str, least: int, most: int | None = None, *, alone: str = "", caseless: bool = False) -> Probe:
    """A probe of what a match begins with: `least` to `most` characters."""
    return Probe(expression, most or least, least, alone, caseless)


def literals(*words: str, alone: str = "A-Za-z0-9_") -> tuple[Probe, ...]:
    """Probes for matches that begin with one of `words`, of letters, digits, `_` and `-`."""
    return tuple(head(word, len(word), alone=alone) for word in words)


class Prefilter:
    """Probes compiled on first use, or read from the folder `kept_in`. Serves all threads, one at a time."""

    def __init__(self, probes: Sequence[AnyProbe]) -> None:
        self._probes = tuple(probes)
        self._lock = Lock()
        self.kept_in: Path | None = None

    def hits(self, text: str) -> Iterator[tuple[int, list[int]]]:
        """Numbers of probes and where one of their expressions ends in `text`, each place once, in ascending order."""
        with self._lock:
            database, owners = self._database
            ends: list[list[int]] = [[] for _ in owners]

            def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
                ends[number].append(end)

            database.scan(text.encode("latin-1", "replace"), match_event_handler=note)
        by_probe: dict[int, list[list[int]]] = {}
        for found, probes in zip(ends, owners, strict=True):
            for probe in probes if found else ():
                by_probe.setdefault(probe, []).append(found)
        for probe in sorted(by_probe):
            first, *more = by_probe[probe]
            yield probe, sorted(set(first).union(*more)) if more else sorted(first)

    @cached_property
    def _database(self) -> tuple[Any, Sequence[Sequence[int]]]:
        """Compiled expressions, each once, and for each the numbers of the probes that it serves."""
        owners: dict[str, list[int]] = {}
        for number, probe in enumerate(self._probes):
            for expression in probe.expressions:
                owners.setdefault(expression, []).append(number)
        database = compiled([expression.encode("latin-1") for expression in owners], kept_in=self.kept_in)
        return database, tuple(owners.values())


@cache
def is_available() -> bool:
    """Whether Hyperscan is installed: it has wheels for Linux and macOS on x86-64 and ARM, and for Windows."""
    from importlib.util import find_spec

    return find_spec("hyperscan") is not None
