"""Scanner: all recognizers as one, which looks only where the prefilter says that something may be."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers.patterns import RuleSearch, Search
from nexxi_cli.infrastructure.recognizers.probes import AnyProbe, Prefilter, is_available


class Family(Recognizer, Protocol):
    """A recognizer whose rules can be looked for one by one."""

    @property
    def searches(self) -> Sequence[Search]:
        """All of its rules."""


class Scanner:
    """Finds what `families` find. Without Hyperscan each rule reads the whole text: the same findings, slower."""

    def __init__(self, families: Sequence[Family], *, prefilter: Callable[[], bool] = is_available) -> None:
        self._families = tuple(families)
        self._has_prefilter = prefilter
        searches = tuple(search for family in self._families for search in family.searches)
        by_probe: dict[AnyProbe, tuple[list[RuleSearch], list[Search]]] = {}
        for search in searches:
            for probe in search.probes:
                placed, others = by_probe.setdefault(probe, ([], []))
                if isinstance(search, RuleSearch) and search.has_places:
                    placed.append(search)
                else:
                    others.append(search)
        self._probes = tuple((probe, *searchers) for probe, searchers in by_probe.items())
        self._prefilter = Prefilter(tuple(by_probe))
        self.types = frozenset(chain.from_iterable(family.types for family in self._families))
        self.max_chars = max(family.max_chars for family in self._families)

    def keep_in(self, folder: Path) -> None:
        """Keep what is compiled on first use in this folder, for the next process."""
        self._prefilter.kept_in = folder

    def find(self, text: str, start: int = 0) -> list[Finding]:
        """Findings that begin at `start` or later."""
        if not self._has_prefilter():
            return list(chain.from_iterable(family.find(text, start) for family in self._families))
        places: dict[RuleSearch, list[int]] = {}
        spans: dict[Search, list[Sequence[tuple[int, int]]]] = {}
        for number, ends in self._prefilter.hits(text):
            probe, placed, searches = self._probes[number]
            if placed:
                back = probe.back or 0
                begins = [end - back for end in ends if end - back >= start]
                for rule_search in placed:
                    places.setdefault(rule_search, []).extend(begins)
            if searches and (begun := probe.spans(text, start, ends)):
                for search in searches:
                    spans.setdefault(search, []).append(begun)
        findings: list[Finding] = []
        for rule_search, at in places.items():
            findings += rule_search.find_at(text, sorted(at))
        for search, found in spans.items():
            findings += search.find(text, sorted(chain.from_iterable(found)))
        return findings

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a match may begin that text to come can change."""
        length = len(text)
        return min(max(family.open_from(text, start), length - family.max_chars) for family in self._families)
