"""What the classifier sees of a text: hashed words, pairs of words, letters of words, and concepts that stand together.

The hash is CRC-32 (zlib), the same on every machine and in every version. A text is cut into blocks of words; two
neighbouring blocks make a window, so whatever is shorter than a block stands whole in some window.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

from nexxi_cli.infrastructure.injection.lexicon import concept_of

WORD_BUCKETS = 1 << 18
CONCEPT_BUCKETS = 1 << 16
BUCKETS = WORD_BUCKETS + CONCEPT_BUCKETS
BLOCK_WORDS = 40
REACH_WORDS = 8
"""So far apart two concepts may stand and still belong together."""
BESIDE_WORDS = 3
"""So far apart a word and a concept may stand and still belong together."""

_TOKEN = re.compile(r"[^\W\d_]{1,30}|\d+|<\||\|>|[<>\[\]{}#=*!]+|\"|[?:.](?=\W|\Z)")
_QUOTE = re.compile("[\u00ab\u00bb\u201c-\u201f\u2039\u203a`]+|(?<!\\w)['\u2018\u2019]|['\u2018\u2019](?!\\w)")
_MARKS = re.compile("[\u0300-\u036f]+")
_LETTERS = 4
_ENDS = frozenset(".?:!")

Window = frozenset[int]


def fold(text: str) -> str:
    """Lower case, without accents."""
    lower = text.lower().replace("\u00df", "ss")
    return lower if lower.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", lower))


def tokens(folded: str) -> list[str]:
    """The words and signs of a folded text; every number is "0"."""
    plain = _QUOTE.sub('"', folded).replace("'", "").replace("\u2019", "")
    return ["0" if token[0].isdigit() else token for token in _TOKEN.findall(plain)]


def windows(words: Sequence[str]) -> Iterator[Window]:
    """The features of each window of a text; at least one."""
    blocks = [_block(words, at) for at in range(0, max(len(words), 1), BLOCK_WORDS)]
    if len(blocks) == 1:
        yield frozenset(blocks[0])
    for left, right in pairwise(blocks):
        yield frozenset(left | right)


def _block(words: Sequence[str], start: int) -> set[int]:
    features: set[int] = set()
    end = start + BLOCK_WORDS
    part = words[start:end]
    for word in part:
        features.update(_of_word(word))
    features.update(_bucket(f"2{one} {two}") for one, two in zip(part, words[start + 1 : end + 1], strict=False))
    features.update(_of_sentences(part, words[start - 1] if start else "."))
    concepts = [(at, concept) for at, word in enumerate(part) if (concept := concept_of(word))]
    features.update(_of_concepts(concepts))
    features.update(_of_neighbours(part, concepts))
    return features


def _of_sentences(part: Sequence[str], before: str) -> Iterator[int]:
    """What a sentence begins with: an order, a question, a report of what somebody did."""
    for at, word in enumerate(part):
        if before in _ENDS and word not in _ENDS:
            opening, following = concept_of(word), concept_of(part[at + 1]) if at + 1 < len(part) else None
            yield _together(f"first {opening}")
            yield _together(f"first {opening or word}", f"{following}")
        before = word


def _of_concepts(found: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Pairs and triples of concepts that follow each other closely."""
    for index, (at, concept) in enumerate(found):
        near = [(place, other) for place, other in found[index + 1 : index + 5] if place - at <= REACH_WORDS]
        for rank, (_, other) in enumerate(near):
            yield _together(concept, other)
            for _, third in near[rank + 1 :]:
                yield _together(concept, other, third)


def _of_neighbours(part: Sequence[str], found: Sequence[tuple[int, str]]) -> Iterator[int]:
    """The words that stand near a concept, before it and after it."""
    for at, concept in found:
        for word in part[max(0, at - BESIDE_WORDS) : at]:
            yield _beside("6", word, concept)
        for word in part[at + 1 : at + 1 + BESIDE_WORDS]:
            yield _beside("7", concept, word)


@lru_cache(maxsize=65_536)
def _beside(side: str, first: str, second: str) -> int:
    return _bucket(f"{side}{first} {second}")


@lru_cache(maxsize=65_536)
def _together(*concepts: str) -> int:
    return WORD_BUCKETS + crc32(" ".join(concepts).encode()) % CONCEPT_BUCKETS


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[int, ...]:
    framed = f" {word} "
    letters = (framed[at : at + _LETTERS] for at in range(len(framed) - _LETTERS + 1))
    concept = concept_of(word)
    own = [_bucket(f"1{word}"), *(_bucket(f"4{part}") for part in letters)]
    return tuple(own if concept is None else [*own, _together(concept)])


def _bucket(feature: str) -> int:
    return crc32(feature.encode("utf-8", "replace")) % WORD_BUCKETS
