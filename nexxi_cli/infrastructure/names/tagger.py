"""NameTagger: scores the words of a text with the weights that the training left. One of five labels for each word.

A label's score is the sum of the weights of features, which are hashed; that of no label is 0. The weights of a feature
for all labels lie in one integer, LANE_BITS for each, so that adding is one step; sums of features are kept.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from zlib import crc32

from nexxi_cli.infrastructure.names.lexicon import (
    ALWAYS,
    BESIDE_SMALL,
    CONNECTING,
    LONG,
    NEVER,
    Lexicon,
    Word,
    far_features,
    near_features,
    word_features,
)
from nexxi_cli.infrastructure.names.tokens import RIGHT_CHARS, RIGHT_WORDS, Tokens, gap_after, gap_before

LABELS = ("", "PERSON", "ORGANIZATION", "LOCATION", "ADDRESS")
UNITS = 16
"""So many units of an integer weight are one of the logistic model's."""

BUCKETS = 1 << 18
LANE_BITS = 16
MOST_UNITS = 255
"""The greatest weight: some fifty of them, as many as there are features, fit in a lane with either sign."""

_LANES = tuple(LANE_BITS * lane for lane in range(len(LABELS) - 1))
_MASK = (1 << LANE_BITS) - 1
_MIDDLE = 1 << LANE_BITS - 1
_MIDDLES = sum(_MIDDLE << shift for shift in _LANES)

_WORDS_KEPT = 30_000
_KEYS_KEPT = 60_000

NOTHING = Word(NEVER, "", "", "", "")
"""Stands where there is no word in reach."""

Features = Iterable[str]


def bucket(feature: str) -> int:
    """Where the weights of a feature lie."""
    return crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


PLACES: tuple[tuple[str, Callable[[Word], Features]], ...] = (
    ("0", word_features),
    ("-1", near_features),
    ("-2", far_features),
    ("-3", far_features),
    ("+1", near_features),
    ("+2", far_features),
)


def at_place(place: int, word: Word) -> list[str]:
    """The features of a word at a place of PLACES."""
    name, features = PLACES[place]
    return [f"{name}{feature}" for feature in features(word)] if word is not NOTHING else [f"{name}-"]


Key = tuple[str, ...]


def joint(word: Word, near: tuple[Word, Word, Word, Word], gap: str, gap_behind: str) -> tuple[Key, ...]:
    """Features that join several words. `near`: the two words before, the nearest first, and the two after."""
    before, earlier, after, later = near
    group, shape = word.group, word.shape
    return (
        ("A", before.group, gap, group),
        ("B", group, gap_behind, after.group),
        ("C", before.group, group, after.group),
        ("D", before.kind, group),
        ("E", group, after.kind),
        ("F", gap, gap_behind, group),
        ("G", earlier.kind, before.kind, gap, shape),
        ("H", earlier.group, before.group, group),
        ("I", group, after.group, later.group),
        ("J", before.kind, gap, shape, gap_behind, after.kind),
    )


def joint_feature(key: Key) -> str:
    """A joint feature as a text."""
    return "|".join(key)


class Reading:
    """The words of a part of a text, which of them may belong to names, and what stands around those."""

    def __init__(self, tokens: Tokens, look_up: Callable[[str], Word]) -> None:
        self.tokens = tokens
        self.words = list(map(look_up, tokens.words))

    def candidates(self, end: int) -> Iterator[int]:
        """Indices below `end` of the words that may belong to a name."""
        words = self.words
        for at in range(end):
            word = words[at]
            if word.candidate == NEVER or self._is_glued(at):
                continue
            if word.candidate == ALWAYS:
                if word.shape != "x" or not self._follows_capitals(at):
                    yield at
            elif self._is_beside(at):
                yield at

    def undecided(self, end: int) -> int:
        """Index of the first word that text after `end` may make a part of a name, or change as such."""
        ends, count = self.tokens.ends, len(self.words)
        is_cut = count > 0 and ends[-1] == end
        for at in range(max(0, count - RIGHT_WORDS - is_cut), count):
            if ends[at] + RIGHT_CHARS < end:
                continue
            if self.words[at].candidate != NEVER or (is_cut and at == count - 1 and self.words[at] is not LONG):
                return at
        return count

    def _is_glued(self, at: int) -> bool:
        """Whether a word is a part of an identifier, of an address of e-mail, of a time or of a decimal number."""
        gaps, words = self.tokens.gaps, self.words
        before, after = gaps[at], gaps[at + 1]
        if (not before and at) or (not after and at + 1 < len(words)):
            return True
        if words[at].shape != "9":
            return before.endswith(_GLUE_BEFORE) or after.startswith(_GLUE_AFTER)
        if before == "." and at and words[at - 1].shape == "9":
            return True
        if after == "." and at + 1 < len(words) and words[at + 1].shape == "9":
            return True
        return before.endswith(_NUMBER_BEFORE) or after.startswith(_NUMBER_AFTER)

    def _follows_capitals(self, at: int) -> bool:
        """Whether a word in small letters follows a name in capitals: `Pereira mora` is no name."""
        if at == 0 or self.tokens.gaps[at] != " ":
            return False
        before = self.words[at - 1]
        return before.shape[0] == "X" and "M" not in before.flags and any(flag in before.flags for flag in "FLCB")

    def _is_beside(self, at: int) -> bool:
        """Whether words that are enough by themselves stand where this one needs them: connectors need two."""
        words = self.words
        candidate = words[at].candidate
        after = [words[index] for index in self.tokens.right(at)]
        if candidate == CONNECTING and all(word.candidate != ALWAYS for word in after):
            return False
        before = [words[index] for index in self.tokens.left(at)[:2]]
        if candidate == CONNECTING:
            return any(word.candidate == ALWAYS for word in before)
        if candidate == BESIDE_SMALL:
            return any(word.candidate == ALWAYS and word.shape == "x" for word in (*before, *after))
        return any(word.candidate == ALWAYS for word in (*before, *after))

    def around(self, at: int) -> tuple[Word, Word, Word, Word, Word, Word]:
        """The word, three before it, the nearest first, and two after it."""
        words, left, right = self.words, self.tokens.left(at), self.tokens.right(at)
        if len(left) == 3 and len(right) == 2:
            return words[at], words[at - 1], words[at - 2], words[at - 3], words[at + 1], words[at + 2]
        before = [words[index] for index in left] + [NOTHING] * (3 - len(left))
        after = [words[index] for index in right] + [NOTHING] * (2 - len(right))
        return words[at], before[0], before[1], before[2], after[0], after[1]


_GLUE_BEFORE = ("_", "@")
_GLUE_AFTER = ("_", "@")
_NUMBER_BEFORE = (*_GLUE_BEFORE, ":", "=", "$", "\u20ac", "\xa3", "+", "[", "{", "<")
_NUMBER_AFTER = (*_GLUE_AFTER, ":", "=", "%", "\u20ac", "$", "]", "}", " %", " \u20ac", " ms")
"""What stands beside numbers of other kinds than those of houses."""


class NameTagger:
    """Labels words. Serves all threads."""

    def __init__(self, lexicon: Lexicon, weights: "array[int]") -> None:
        """`weights`: one integer for each bucket, see `in_lanes`."""
        self._weights = weights
        self.look_up = lru_cache(_WORDS_KEPT)(lexicon.look_up)
        self._at_place = [
            lru_cache(_WORDS_KEPT)(lambda word, place=place: self._sum(at_place(place, word)))
            for place in range(len(PLACES))
        ]
        self._joint = lru_cache(_KEYS_KEPT)(
            lambda key: weights[crc32("|".join(key).encode("utf-8", "surrogatepass")) % BUCKETS]  # of joint_feature
        )

    def read(self, tokens: Tokens) -> Reading:
        """What can be known of words without weights."""
        return Reading(tokens, self.look_up)

    def scores(self, reading: Reading, at: int) -> list[int]:
        """A score in UNITS for each of LABELS; that of no label is 0."""
        word, before, earlier, first, after, later = reading.around(at)
        gaps = reading.tokens.gaps
        own, minus_1, minus_2, minus_3, plus_1, plus_2 = self._at_place
        total = own(word) + minus_1(before) + minus_2(earlier) + minus_3(first) + plus_1(after) + plus_2(later)
        gap, gap_behind = gap_before(gaps[at]), gap_after(gaps[at + 1])
        total += sum(map(self._joint, joint(word, (before, earlier, after, later), gap, gap_behind)), _MIDDLES)
        return [
            0,
            (total & _MASK) - _MIDDLE,
            (total >> LANE_BITS & _MASK) - _MIDDLE,
            (total >> 2 * LANE_BITS & _MASK) - _MIDDLE,
            (total >> 3 * LANE_BITS & _MASK) - _MIDDLE,
        ]

    def _sum(self, features: Features) -> int:
        weights = self._weights
        return sum(weights[bucket(feature)] for feature in features)


def in_lanes(weights: Sequence[int]) -> int:
    """The weights of a feature for each label but the first as one integer."""
    return sum(weight << shift for weight, shift in zip(weights, _LANES, strict=True))
