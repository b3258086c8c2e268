"""NameRecognizer: people, organisations, places and addresses, as findings of whole names.

A word gets its label from its own window of neighbours. Words of one label that stand together become one finding, cut
where it would grow too long. So the findings do not depend on where reading began, and text to come can change only
what its first words touch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import exp
from operator import add

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.names.lexicon import CONNECTING
from nexxi_cli.infrastructure.names.reading import Reading
from nexxi_cli.infrastructure.names.tagger import LABELS, UNITS, NameTagger
from nexxi_cli.infrastructure.names.tokens import LEFT_CHARS, RIGHT_CHARS, Tokens
from nexxi_cli.infrastructure.names.weights import shipped_tagger

MARGIN = -16
"""By how much, in units of a weight, a label has to beat the lack of one. It may be a little less likely: who asks for
names would rather lose a word than a name. On made texts that the training left out, 0 found 83 % of the characters of
names with a precision of 0.96, -16 finds 86 % with 0.94. Such findings have a confidence of 0.5.
"""

_RULES = tuple(f"names.{label.lower()}" for label in LABELS)
_LONGEST_CHARS = 160
_MOST_WORDS = 14
_BLOCK_CHARS = 1 << 15
_BEFORE_CHARS = LEFT_CHARS + 4

_ORGANIZATION, _ADDRESS = LABELS.index("ORGANIZATION"), LABELS.index("ADDRESS")
_TIGHT = frozenset((" ", "-", "'", "\u2019", "\u2010", "\u2011", "\xa0"))
_IN_ORGANIZATION = frozenset((", ", " & ", "&", " - ", "'s "))
_IN_ADDRESS = frozenset(" \t\r\n,.#/-()\xba\xb0'\u2019")
_GAP_CHARS = 8


@dataclass(slots=True)
class _Group:
    """Words that become one finding.

    first, last: their numbers. label: of the last one. follows: the group touches the one before. stands: it is more
    than connectors such as `de`.
    """

    start: int
    end: int
    first: int
    last: int
    label: int
    scores: list[int]
    follows: bool
    stands: bool

    def finding(self) -> Finding:
        """The group, with the type that its words speak for most."""
        best = self.scores.index(top := max(self.scores[1:]), 1)
        margin = top / (self.last - self.first + 1) / UNITS
        confidence = round(1 / (1 + exp(-max(0.0, min(margin, 4.6)))), 2)
        return Finding(self.start, self.end, LABELS[best], confidence, _RULES[best])


class NameRecognizer:
    """Finds names with a tagger that it loads on first use."""

    types = frozenset(LABELS[1:])
    max_chars = _LONGEST_CHARS + RIGHT_CHARS + 2

    def __init__(self, load: Callable[[], NameTagger] = shipped_tagger, *, margin: int = MARGIN) -> None:
        self._load = load
        self._margin = margin

    def find(self, text: str, start: int = 0) -> Iterator[Finding]:
        """Findings that begin at `start` or later, in order. Reads the text in blocks."""
        length = len(text)
        while start < length:
            end = min(length, start + _BLOCK_CHARS)
            groups, place, is_touched = self._read(text, start, end, is_over=end == length)
            if is_touched:
                place = groups.pop().start
            for group in groups:
                if group.stands:
                    yield group.finding()
            start = place

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a name may begin that text to come can change."""
        length = len(text)
        groups, place, is_touched = self._read(text, max(start, length - self.max_chars), length, is_over=False)
        while is_touched:  # where reading began farther on, a row of groups may be cut elsewhere
            group = groups.pop()
            place, is_touched = group.start, group.follows
        return place

    @cached_property
    def _tagger(self) -> NameTagger:
        return self._load()

    def _read(self, text: str, start: int, end: int, *, is_over: bool) -> tuple[list[_Group], int, bool]:
        """Names from `start` on, and where the first word begins that text after `end` may change.

        The last value says whether that word touches the last name.
        """
        tokens = Tokens(text, max(0, start - _BEFORE_CHARS), end)
        tagger = self._tagger
        reading = tagger.read(tokens)
        undecided = len(tokens.words) if is_over else reading.undecided(end)
        groups: list[_Group] = []
        for at in reading.candidates(undecided):
            if tokens.starts[at] < start:
                continue
            scores = tagger.scores(reading, at)
            top = max(scores[1:])
            if top > self._margin:
                _add(groups, reading, at, scores.index(top, 1), scores)
        if undecided == len(tokens.words):
            return groups, end, False
        is_touched = bool(groups) and groups[-1].last == undecided - 1
        return groups, max(start, tokens.starts[undecided]), is_touched


def _add(groups: list[_Group], reading: Reading, at: int, label: int, scores: list[int]) -> None:
    tokens = reading.tokens
    start, end = tokens.starts[at], tokens.ends[at]
    if label == _ORGANIZATION and "Z" in reading.words[at].flags and tokens.gaps[at + 1].startswith("."):
        end += 1
    stands = label == _ADDRESS or reading.words[at].candidate != CONNECTING
    follows = bool(groups) and groups[-1].last == at - 1 and _joins(groups[-1], reading, at, label)
    if follows:
        group = groups[-1]
        if end - group.start <= _LONGEST_CHARS and at - group.first < _MOST_WORDS:
            group.end, group.last, group.label = end, at, label
            group.stands |= stands
            group.scores = list(map(add, group.scores, scores))
            return
    groups.append(_Group(start, end, at, at, label, scores, follows, stands))


def _joins(group: _Group, reading: Reading, at: int, label: int) -> bool:
    """Whether the word continues the name before it, by their labels and what stands between."""
    gap = reading.tokens.gaps[at]
    if (label == _ADDRESS) != (group.label == _ADDRESS):
        return False
    if label == _ADDRESS:
        return len(gap) <= _GAP_CHARS and _IN_ADDRESS.issuperset(gap)
    if gap in _TIGHT:
        return True
    if label != group.label:
        return False
    if gap in (". ", "."):
        return len(reading.tokens.words[at - 1]) <= 2
    return label == _ORGANIZATION and gap in _IN_ORGANIZATION
