"""Where a text may hold a finding at all: one pass of Hyperscan over the probes of all rules.

A probe is a short expression of which every match of its rule is near. Hyperscan takes no lookarounds and tells where
an expression ends, not where it begins: both are fine for a probe, which may be wrong as long as it misses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from threading import Lock
from typing import Any

WIDE = r"?\x80-\xff"
"""What a character beyond ASCII may be in a probe: Latin-1 as it is, all others a question mark."""


@dataclass(frozen=True, slots=True)
class Probe:
    r"""An expression over Latin-1 bytes, in what `re` and Hyperscan have in common.

    A match of the rule begins from `most` to `least` characters before the end of the expression. `alone`: the inside
    of a class of characters that cannot stand before the expression. `solid`: from the match's first character to
    `least` before the end there is no blank.
    """

    expression: str
    most: int
    least: int
    alone: str = ""
    caseless: bool = False
    solid: bool = False

    @property
    def bytes(self) -> bytes:
        """The expression as Hyperscan takes it."""
        before = f"(?:^|[^{self.alone}])" if self.alone else ""
        return f"{before}(?:{self.expression})".encode("latin-1")


def head(expression: str, least: int, most: int | None = None, *, alone: str = "", caseless: bool = False) -> Probe:
    """A probe of what a match begins with: `least` to `most` characters."""
    return Probe(expression, most or least, least, alone, caseless)


def literals(*words: str, alone: str = "A-Za-z0-9_") -> tuple[Probe, ...]:
    """Probes for matches that begin with one of `words`, of letters, digits, `_` and `-`."""
    return tuple(head(word, len(word), alone=alone) for word in words)


class Prefilter:
    """Probes compiled on first use, about 0.2 s. Serves all threads, one at a time."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = tuple(probes)
        self._lock = Lock()

    def ends(self, text: str) -> dict[int, list[int]]:
        """Number of a probe -> where its expression ends in `text`, in ascending order."""
        ends: dict[int, list[int]] = {}

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            if number in ends:
                ends[number].append(end)
            else:
                ends[number] = [end]

        with self._lock:
            self._database.scan(text.encode("latin-1", "replace"), match_event_handler=note)
        for places in ends.values():
            places.sort()
        return ends

    @cached_property
    def _database(self) -> Any:
        import hyperscan

        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[probe.bytes for probe in self._probes],
            ids=list(range(len(self._probes))),
            elements=len(self._probes),
            flags=[
                hyperscan.HS_FLAG_DOTALL | (hyperscan.HS_FLAG_CASELESS if probe.caseless else 0)
                for probe in self._probes
            ],
        )
        return database


@cache
def is_available() -> bool:
    """Whether Hyperscan is installed: it has wheels for Linux and macOS on x86-64 and ARM, and for Windows."""
    from importlib.util import find_spec

    return find_spec("hyperscan") is not None
