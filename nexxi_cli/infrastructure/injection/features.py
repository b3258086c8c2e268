"""What the classifier sees of a text: hashed words, pairs of words, letters of words, and concepts that stand together.

The hash is CRC-32 (zlib), the same on every machine and in every version. A text is cut into blocks, at the ends of
sentences where it can. Neighbouring blocks make windows of several lengths: an order that hides in a long text stands
almost alone in the shortest, and the longest shows what belongs together.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

from nexxi_cli.infrastructure.injection.lexicon import concept_of

WORD_BUCKETS = 1 << 18
CONCEPT_BUCKETS = 1 << 16
BUCKETS = WORD_BUCKETS + CONCEPT_BUCKETS
BLOCK_WORDS = 24
"""A block is cut after so many words at the latest, and"""
SENTENCE_WORDS = 6
"""at the end of a sentence if it has at least so many."""
WINDOW_BLOCKS = (1, 2, 4)
MAX_SENTENCE_WORDS = 40
"""So far is looked for the end of a sentence."""
REACH_WORDS = 8
"""So far apart two concepts may stand and still belong together."""
BESIDE_WORDS = 3
"""So far apart a word and a concept may stand and still belong together."""

_TOKEN = re.compile(r"[^\W\d_]{1,30}|\d+|<\||\|>|[<>\[\]{}#=*!]+|\"|[?:.](?=\W|\Z)")
_QUOTE = re.compile("[\u00ab\u00bb\u201c-\u201f\u2039\u203a`]+|(?<!\\w)['\u2018\u2019]|['\u2018\u2019](?!\\w)")
_MARKS = re.compile("[\u0300-\u036f]+")
_LETTERS = 4
_ENDS = frozenset(".?:!")

Block = frozenset[int]


def fold(text: str) -> str:
    """Lower case, without accents."""
    lower = text.lower().replace("\u00df", "ss")
    return lower if lower.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", lower))


def tokens(folded: str) -> list[str]:
    """The words and signs of a folded text; every number is "0"."""
    plain = _QUOTE.sub('"', folded).replace("'", "").replace("\u2019", "")
    return ["0" if token[0].isdigit() else token for token in _TOKEN.findall(plain)]


def blocks(words: Sequence[str]) -> list[Block]:
    """The features of each block of a text; at least one block."""
    return [frozenset(_block(words, start, end)) for start, end in _cuts(words)]


def spans(count: int) -> Iterator[tuple[int, int]]:
    """The windows of a text of `count` blocks: the first block of each and the one after its last; the longest last."""
    for size in WINDOW_BLOCKS:
        if size >= count:
            yield 0, count
            return
        yield from ((start, start + size) for start in range(0, count - size, (size + 1) // 2))
        yield count - size, count


def _cuts(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for at, word in enumerate(words, 1):
        if at - start >= BLOCK_WORDS or (at - start >= SENTENCE_WORDS and word in _ENDS):
            yield start, at
            start = at
    if start < len(words) or not words:
        yield start, len(words)


def _block(words: Sequence[str], start: int, end: int) -> set[int]:
    """The features of what begins between `start` and `end`; it may reach into the next block."""
    features: set[int] = set()
    part = words[start:end]
    reach = words[start : end + REACH_WORDS]
    for word in part:
        features.update(_of_word(word))
    features.update(_bucket(f"2{one} {two}") for one, two in zip(part, words[start + 1 : end + 1], strict=False))
    features.update(_of_sentences(part, words[start - 1] if start else "."))
    features.update(_of_moods(part, words[end : end + MAX_SENTENCE_WORDS]))
    concepts = [(at, concept) for at, word in enumerate(reach) if (concept := concept_of(word))]
    features.update(_of_concepts(concepts, len(part)))
    features.update(_of_neighbours(reach, concepts, len(part)))
    return features


def _of_sentences(part: Sequence[str], before: str) -> Iterator[int]:
    """What a sentence begins with: an order, a question, a report of what somebody did."""
    for at, word in enumerate(part):
        if before in _ENDS and word not in _ENDS:
            opening, following = concept_of(word), concept_of(part[at + 1]) if at + 1 < len(part) else None
            yield _together(f"first {opening}")
            yield _together(f"first {opening or word}", f"{following}")
        before = word


def _of_moods(part: Sequence[str], after: Sequence[str]) -> Iterator[int]:
    """Each concept together with how its sentence begins and ends: what is asked about is not what is ordered."""
    start = 0
    for end in (*(at for at, word in enumerate(part) if word in _ENDS), len(part)):
        sentence = part[start:end]
        if sentence:
            opening = concept_of(sentence[0]) or sentence[0]
            ending = part[end] if end < len(part) else next((word for word in after if word in _ENDS), "")
            for concept in {concept for word in sentence if (concept := concept_of(word))}:
                yield _together("opening", opening, concept)
                yield _together("ending", ending, concept)
        start = end + 1


def _of_concepts(found: Sequence[tuple[int, str]], size: int) -> Iterator[int]:
    """Pairs and triples of concepts that follow each other closely."""
    for index, (at, concept) in enumerate(found):
        if at >= size:
            return
        near = [(place, other) for place, other in found[index + 1 : index + 5] if place - at <= REACH_WORDS]
        for rank, (_, other) in enumerate(near):
            yield _together(concept, other)
            for _, third in near[rank + 1 :]:
                yield _together(concept, other, third)


def _of_neighbours(reach: Sequence[str], found: Sequence[tuple[int, str]], size: int) -> Iterator[int]:
    """The words that stand near a concept, before it and after it."""
    for at, concept in found:
        if at >= size:
            return
        for word in reach[max(0, at - BESIDE_WORDS) : at]:
            yield _beside("6", word, concept)
        for word in reach[at + 1 : at + 1 + BESIDE_WORDS]:
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
