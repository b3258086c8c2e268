"""PatternRecognizer: a family of rules, each a regular expression, a check of what it matched, words beside it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers.probes import AnyProbe
from nexxi_cli.infrastructure.recognizers.words import AFTER_CHARS, Words

Confirm = Callable[[re.Match[str]], int | None]
Spans = Iterable[tuple[int, int]]
"""Places where a match may begin, both ends included, the first ends ascending."""


def whole_match(match: re.Match[str]) -> int:
    """Accept a match as it is."""
    return match.end()


class Search(Protocol):
    """Looks for one rule of a family."""

    @property
    def probes(self) -> Sequence[AnyProbe]:
        """Every match begins near a hit of one of them."""

    def find(self, text: str, spans: Spans) -> Iterable[Finding]:
        """Findings that begin in `spans`, in order."""


@dataclass(frozen=True, slots=True)
class Rule:
    r"""One way in which a type of data is written.

    `pattern` matches a bounded number of characters and decides on them and at most two that follow; its \w, \d and \s
    are ASCII, since Chinese stands beside data without a blank. `confirm` says where the data really ends, or None
    where it is none. Without one of the literals `needs` there is no match. `words` have to stand beside a match.
    `starts`: where a match may begin, told by its first character, what is before it and at most `ahead` characters
    after it; quick to look for.
    """

    name: str
    type: str
    confidence: float
    pattern: str
    confirm: Confirm = whole_match
    needs: tuple[str, ...] = ()
    words: Words | None = None
    probes: tuple[AnyProbe, ...] = ()
    starts: str = ""
    ahead: int = 0


def starting(first: str, *, alone: str) -> str:
    """`starts` of a rule: a character of the class `first`, and none of the class `alone` before it.

    The first character comes first, so that `re` passes over all others without a step of its machine.
    """
    return f"[{first}](?<![{alone}].)"


class RuleSearch:
    """Looks for one rule. Its pattern is compiled on first use.

    A match that `confirm` declines hides nothing: the search goes on at its second character.
    """

    def __init__(self, rule: Rule, max_chars: int) -> None:
        self.rule = rule
        self.probes = rule.probes
        self.has_places = all(probe.back is not None for probe in rule.probes)
        self._reach = max_chars + 3

    def find(self, text: str, spans: Spans) -> list[Finding]:
        """Findings that begin in `spans`, in order."""
        rule, words = self.rule, self.rule.words
        type_, confidence, name = rule.type, rule.confidence, rule.name
        confirm = None if rule.confirm is whole_match else rule.confirm
        match_at, reach = self.pattern.match, self._reach
        start_from = None if self._start is None else self._start.search
        beyond = rule.ahead + 1
        found: list[Finding] = []
        new = tuple.__new__  # a third of the time of Finding(...)
        at = 0
        for first, last in spans:
            if at < first:
                at = first
            while at <= last:
                if at < last:
                    if start_from is None:
                        at = self._next_match(text, at, last)
                    else:
                        at = start.start() if (start := start_from(text, at, last + beyond)) else last + 1
                    if at > last:
                        break
                end = None
                if match := match_at(text, at, last + reach):
                    end = match.end() if confirm is None else confirm(match)
                if end is not None and (words is None or words.beside(text, at, end)):
                    found.append(new(Finding, (at, end, type_, confidence, name)))
                    at = end
                else:
                    at += 1
        return found

    def find_at(self, text: str, places: Iterable[int]) -> list[Finding]:
        """Findings that begin at `places`, which ascend: as `find` does with spans of one place, in less time."""
        rule, words = self.rule, self.rule.words
        type_, confidence, name = rule.type, rule.confidence, rule.name
        confirm = None if rule.confirm is whole_match else rule.confirm
        match_at, reach = self.pattern.match, self._reach
        found: list[Finding] = []
        new = tuple.__new__
        free = 0
        for at in places:
            if at >= free and (match := match_at(text, at, at + reach)):
                end = match.end() if confirm is None else confirm(match)
                if end is not None and (words is None or words.beside(text, at, end)):
                    found.append(new(Finding, (at, end, type_, confidence, name)))
                    free = end
        return found

    def _next_match(self, text: str, at: int, last: int) -> int:
        """The first place from `at` on where a match may begin; beyond `last` without one up to there."""
        if last - at < _FEW_CHARS:
            return at
        match = self.pattern.search(text, at, last + self._reach)
        return match.start() if match else last + 1

    def undecided_from(self, text: str, start: int) -> int:
        """The first match from `start` on that has no words beside it, but may get them; len(text) without one."""
        words = self.rule.words
        if words is None or not words.after:
            return len(text)
        at = max(start, len(text) - self._reach - AFTER_CHARS)
        while match := self.pattern.search(text, at):
            end = self.rule.confirm(match)
            if end is not None and words.may_follow(text, end) and not words.before(text, match.start()):
                return match.start()
            at = match.start() + 1
        return len(text)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The rule's pattern."""
        return re.compile(self.rule.pattern, re.ASCII)

    @cached_property
    def _start(self) -> re.Pattern[str] | None:
        return re.compile(self.rule.starts, re.ASCII | re.DOTALL) if self.rule.starts else None


_FEW_CHARS = 32
"""So many places are tried one by one: faster than a search, which may go far beyond them."""

_MAY_GET_WORDS = rf"[0-9\xb0][^0-9,;.\n]{{0,{AFTER_CHARS + 3}}}\Z"


class PatternRecognizer:
    """Finds what its rules describe."""

    def __init__(self, rules: Sequence[Rule], *, chars: str, begins: str, max_chars: int) -> None:
        """Every match is made of `chars` (the inside of a character class), at most `max_chars` of them.

        `begins` is a pattern of what every match begins with; where the end of the text cuts it off, it matches the
        part that is there. With characters past a match, a rule may look only at `chars` and one that follows them.
        """
        self.searches = tuple(RuleSearch(rule, max_chars) for rule in rules)
        self.types = frozenset(rule.type for rule in rules)
        self._wordy = tuple(search for search in self.searches if search.rule.words and search.rule.words.after)
        self._chars = chars
        self._begins = begins
        self._longest = max_chars
        self.max_chars = max_chars + (AFTER_CHARS + 1 if self._wordy else 0)

    def find(self, text: str, start: int = 0) -> Iterator[Finding]:
        """Findings that begin at `start` or later, rule by rule."""
        for search in self.searches:
            needs = search.rule.needs
            if not needs or any(literal in text for literal in needs):
                yield from search.find(text, ((start, len(text)),))

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a match may begin that text to come can change."""
        run, begins = self._tail
        last = text[max(start, len(text) - self._longest) :]
        backwards = run.match(last[::-1])
        assert backwards is not None  # it matches nothing too
        found = begins.search(text, len(text) - backwards.end())
        place = found.start() if found else len(text)
        if self._wordy and re.search(_MAY_GET_WORDS, text[max(start, len(text) - AFTER_CHARS - 4) :]):
            place = min(place, *(search.undecided_from(text, start) for search in self._wordy))
        return place

    @cached_property
    def _tail(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return re.compile(f"[{self._chars}]*", re.ASCII), re.compile(self._begins, re.ASCII)


def cut_off(literal: str) -> str:
    """A pattern of `literal`, or of the part of it that the end of the text leaves."""
    first, rest = re.escape(literal[0]), literal[1:]
    return f"{first}(?:\\Z|{cut_off(rest)})" if rest else first
