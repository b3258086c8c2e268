"""PatternRecognizer: a family of rules, each a regular expression and a check of what it matched."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from nexxi_cli.core.types import Finding

Confirm = Callable[[re.Match[str]], int | None]


def whole_match(match: re.Match[str]) -> int:
    """Accept a match as it is."""
    return match.end()


@dataclass(frozen=True, slots=True)
class Rule:
    r"""One way in which a type of data is written.

    `pattern` matches a bounded number of characters and decides on them and at most two that follow; its \w, \d and \s
    are ASCII, since Chinese stands beside data without a blank. `confirm` says where the data really ends, or None
    where it is none. Without one of the literals `needs` there is no match.
    """

    name: str
    type: str
    confidence: float
    pattern: str
    confirm: Confirm = whole_match
    needs: tuple[str, ...] = ()


class PatternRecognizer:
    """Finds what its rules describe. Patterns are compiled on first use.

    A match that `confirm` declines hides nothing: the search goes on at its second character.
    """

    def __init__(self, rules: Sequence[Rule], *, chars: str, begins: str, max_chars: int) -> None:
        """Every match is made of `chars` (the inside of a character class), at most `max_chars` of them.

        `begins` is a pattern of what every match begins with; where the end of the text cuts it off, it matches the
        part that is there. With characters past a match, a rule may look only at `chars` and one that follows them.
        """
        self._rules = tuple(rules)
        self._chars = chars
        self._begins = begins
        self._max_chars = max_chars

    @property
    def types(self) -> frozenset[str]:
        """Every type that its findings can have."""
        return frozenset(rule.type for rule in self._rules)

    @property
    def max_chars(self) -> int:
        """Longest match in characters."""
        return self._max_chars

    def find(self, text: str, start: int = 0) -> Iterator[Finding]:
        """Findings that begin at `start` or later, rule by rule."""
        for rule, pattern in self._compiled:
            if rule.needs and not any(literal in text for literal in rule.needs):
                continue
            at = start
            while match := pattern.search(text, at):
                end = rule.confirm(match)
                if end is None:
                    at = match.start() + 1
                else:
                    yield Finding(match.start(), end, rule.type, rule.confidence, rule.name)
                    at = end

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a match may begin that reaches the end of the text."""
        run, begins = self._tail
        last = text[max(start, len(text) - self._max_chars) :]
        backwards = run.match(last[::-1])
        assert backwards is not None  # it matches nothing too
        found = begins.search(text, len(text) - backwards.end())
        return found.start() if found else len(text)

    @cached_property
    def _compiled(self) -> tuple[tuple[Rule, re.Pattern[str]], ...]:
        return tuple((rule, re.compile(rule.pattern, re.ASCII)) for rule in self._rules)

    @cached_property
    def _tail(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return re.compile(f"[{self._chars}]*", re.ASCII), re.compile(self._begins, re.ASCII)


def cut_off(literal: str) -> str:
    """A pattern of `literal`, or of the part of it that the end of the text leaves."""
    first, rest = re.escape(literal[0]), literal[1:]
    return f"{first}(?:\\Z|{cut_off(rest)})" if rest else first
