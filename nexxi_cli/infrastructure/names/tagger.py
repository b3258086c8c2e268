"""NameTagger: scores the words of a text with the weights that the training left. One of five labels for each word.

A label's score is the sum of the weights of features, which are hashed; that of no label is 0. The weights of a feature
for all labels lie in one integer, LANE_BITS for each, so that adding is one step; sums of features that depend on the
same words are kept together.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from zlib import crc32

from nexxi_cli.infrastructure.names.gaps import gap_of
from nexxi_cli.infrastructure.names.kept import Kept
from nexxi_cli.infrastructure.names.lexicon import Lexicon, Word, far_features, near_features, word_features
from nexxi_cli.infrastructure.names.reading import NOTHING, Reading
from nexxi_cli.infrastructure.names.tokens import Tokens

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

_KEPT = 30_000

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


Joint = tuple[str, ...]
"""A feature that joins several words: a letter and what it joins."""

_Before = tuple[Word, Word, str, str, str]
_Middle = tuple[str, str, str, str, str]
_After = tuple[str, Word, Word]


def _joint_before(earlier: Word, before: Word, gap: str, group: str, shape: str) -> tuple[Joint, ...]:
    return (
        ("D", before.kind, group),
        ("G", earlier.kind, before.kind, gap, shape),
        ("H", earlier.group, before.group, group),
    )


def _joint_after(group: str, after: Word, later: Word) -> tuple[Joint, ...]:
    return ("E", group, after.kind), ("I", group, after.group, later.group)


def _joint_middle(before: str, gap: str, group: str, gap_behind: str, after: str) -> tuple[Joint, ...]:
    return (
        ("A", before, gap, group),
        ("B", group, gap_behind, after),
        ("C", before, group, after),
        ("F", gap, gap_behind, group),
    )


def joint(word: Word, near: tuple[Word, Word, Word, Word], gap: str, gap_behind: str) -> tuple[Joint, ...]:
    """Features that join several words. `near`: the two words before, the nearest first, and the two after."""
    before, earlier, after, later = near
    group, shape = word.group, word.shape
    d, g, h = _joint_before(earlier, before, gap, group, shape)
    e, i = _joint_after(group, after, later)
    a, b, c, f = _joint_middle(before.group, gap, group, gap_behind, after.group)
    return a, b, c, d, e, f, g, h, i, ("J", before.kind, gap, shape, gap_behind, after.kind)


def joint_feature(key: Joint) -> str:
    """A joint feature as a text."""
    return "|".join(key)


class NameTagger:
    """Labels words. Serves all threads."""

    def __init__(self, lexicon: Lexicon, weights: "array[int]") -> None:
        """`weights`: one integer for each bucket, see `in_lanes`."""
        self._weights = weights
        self.look_up = Kept(lexicon.look_up, _KEPT).__getitem__
        self._at_place = [Kept(partial(self._sum_at, place), _KEPT) for place in range(len(PLACES))]
        self._joint = Kept(self._weight, _KEPT)
        self._before = Kept(self._sum_before, _KEPT)
        self._middle = Kept(self._sum_middle, _KEPT)
        self._after = Kept(self._sum_after, _KEPT)
        self._wide = Kept(self._weight, _KEPT)

    def read(self, tokens: Tokens) -> Reading:
        """What can be known of words without weights."""
        return Reading(tokens, self.look_up)

    def scores(self, reading: Reading, at: int) -> list[int]:
        """A score in UNITS for each of LABELS; that of no label is 0."""
        word, before, earlier, first, after, later = reading.around(at)
        gaps = reading.tokens.gaps
        gap, gap_behind = gap_of(gaps[at]).before, gap_of(gaps[at + 1]).after
        group, shape = word.group, word.shape
        total = (
            _MIDDLES
            + self._at_place[0][word]
            + self._at_place[3][first]
            + self._before[earlier, before, gap, group, shape]
            + self._middle[before.group, gap, group, gap_behind, after.group]
            + self._after[group, after, later]
            + self._wide["J", before.kind, gap, shape, gap_behind, after.kind]
        )
        return [
            0,
            (total & _MASK) - _MIDDLE,
            (total >> LANE_BITS & _MASK) - _MIDDLE,
            (total >> 2 * LANE_BITS & _MASK) - _MIDDLE,
            (total >> 3 * LANE_BITS & _MASK) - _MIDDLE,
        ]

    def _sum_before(self, key: _Before) -> int:
        earlier, before, *_ = key
        d, g, h = _joint_before(*key)
        near = self._at_place[1][before] + self._at_place[2][earlier]
        return near + self._joint[d] + self._weight(g) + self._joint[h]

    def _sum_middle(self, key: _Middle) -> int:
        return sum(map(self._joint.__getitem__, _joint_middle(*key)))

    def _sum_after(self, key: _After) -> int:
        _, after, later = key
        e, i = _joint_after(*key)
        return self._at_place[4][after] + self._at_place[5][later] + self._joint[e] + self._joint[i]

    def _sum_at(self, place: int, word: Word) -> int:
        """The sum for `at_place`; the checksum of the name of the place is taken once."""
        if word is NOTHING:
            return self._weight((f"{PLACES[place][0]}-",))
        name, features = PLACES[place]
        begun, weights = crc32(name.encode()), self._weights
        total = 0
        for feature in features(word):
            total += weights[crc32(feature.encode("utf-8", "surrogatepass"), begun) % BUCKETS]
        return total

    def _weight(self, key: Joint) -> int:
        """The weight of `bucket(joint_feature(key))`."""
        return self._weights[crc32("|".join(key).encode("utf-8", "surrogatepass")) % BUCKETS]


def in_lanes(weights: Sequence[int]) -> int:
    """The weights of a feature for each label but the first as one integer."""
    return sum(weight << shift for weight, shift in zip(weights, _LANES, strict=True))
