"""Lexicon: what is known of a single word before its neighbours are looked at. Knows no weights.

A word is a run of letters or one of digits. Its flags say in which lists it stands:

    F first name   L last name   C place of one word   B large town   D part of a place's name   K country   R region
    S street word  Z legal form of a company   G word that names a kind of organisation   T title before a name
    M ordinary word   N month, weekday, language or nationality
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAX_WORD_CHARS = 40
"""A longer run of letters or digits is no name."""

STREET_ENDINGS = (
    *("straße", "strasse", "gasse", "weg", "platz", "allee", "damm", "ufer", "ring", "steig"),
    *("straat", "laan", "plein", "gracht", "kade", "dijk", "gatan", "vägen", "vej", "veien"),
    *("gade", "vegen", "gata", "utca", "katu", "tie"),
)

CONNECTORS = frozenset(
    (
        *("a", "al", "and", "am", "an", "auf", "bei", "bin", "by", "da", "dal", "das", "de", "degli", "dei"),
        *("del", "della", "delle", "dem", "den", "der", "des", "di", "do", "dos", "du", "e", "el", "en", "et"),
        *("für", "i", "ibn", "im", "in", "la", "las", "le", "les", "los", "of", "och", "og", "on", "op", "sur"),
        *("te", "ten", "ter", "the", "und", "upon", "van", "von", "vom", "y", "z", "zu", "zum", "zur", "d", "l"),
        *("s", "st"),
    )
)
"""Words in small letters that stand inside of names."""

NEVER, ALWAYS, BESIDE, BESIDE_SMALL, CONNECTING = range(5)
"""How a word may be part of a name: in no case, by itself, beside one that may by itself, beside such a one in small
letters, between two."""


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A word as the tagger sees it; a key by identity. `kind`: the word as a feature, `group`: its flags and shape."""

    candidate: int
    kind: str
    group: str
    flags: str
    shape: str


LONG = Word(NEVER, "*", "*", "", "*")
"""A run that is too long for a name, and stays so."""


class Lexicon:
    """Flags of words in small letters, and what follows from them and from the spelling."""

    def __init__(self, flags: Mapping[str, str]) -> None:
        self._flags = flags

    def look_up(self, word: str) -> Word:
        """What is known of `word`. Depends on nothing else."""
        length = len(word)
        if length > MAX_WORD_CHARS:
            return LONG
        if word[0].isdigit():
            kind = f"#{length}" if length < 8 else "#long"
            return Word(BESIDE if length <= 6 else NEVER, kind, kind, "", "9")
        small = word.lower()
        flags = self._flags.get(small, "")
        if len(small) > 6 and small.endswith(STREET_ENDINGS) and "S" not in flags:
            flags += "s"
        shape = _shape(word)
        return Word(_candidate(small, flags, shape), small, flags + shape, flags, shape)


def _shape(word: str) -> str:
    if word.islower():
        return "x"
    if len(word) == 1:
        return "X"
    if word.isupper():
        return "XX" if len(word) < 5 else "XXX"
    if word[0].isupper():
        return "Xx" if word[1:].islower() else "XxX"
    return "xX" if any(char.isupper() for char in word) else "?"


def _candidate(small: str, flags: str, shape: str) -> int:
    if shape[0] == "X":
        return ALWAYS
    if shape != "x":
        return NEVER
    if small in CONNECTORS:
        return CONNECTING
    if len(small) > 3 and "M" not in flags and any(flag in flags for flag in "FCBK"):
        return ALWAYS
    return BESIDE_SMALL if flags and "M" not in flags else NEVER


def word_features(word: Word) -> Iterable[str]:
    """Features of the word that is judged."""
    small = word.kind
    yield f"w{small}"
    yield f"g{word.group}"
    yield f"h{word.shape}"
    for flag in word.flags:
        yield f"f{flag}{word.shape}"
    if word.shape not in "9*":
        yield f"a{small[:2]}"
        yield f"b{small[:3]}"
        yield f"c{small[-2:]}"
        yield f"d{small[-3:]}"
        yield f"e{small[-4:]}"
        yield f"l{min(len(small), 12)}{word.shape}"


def near_features(word: Word) -> Iterable[str]:
    """Features of a word next to the one that is judged."""
    yield f"w{word.kind}"
    yield f"g{word.group}"
    yield f"h{word.shape}"
    yield f"d{word.kind[-3:]}{word.shape}"
    for flag in word.flags:
        yield f"f{flag}"


def far_features(word: Word) -> Iterable[str]:
    """Features of a word that is two or three away."""
    yield f"w{word.kind}"
    yield f"g{word.group}"
