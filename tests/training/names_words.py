"""Words for made texts, by language or kind: files of names/vocabulary with lines such as `en|Mr.|Mrs.`."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from spellchecker import SpellChecker

TEMPLATES = Path(__file__).with_name("names")


def _vocabulary(name: str) -> Mapping[str, Sequence[str]]:
    lines = (TEMPLATES / "vocabulary" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines]
    return {row[0]: row[1:] for row in rows}


MONTHS, WEEKDAYS, TITLES = _vocabulary("months"), _vocabulary("weekdays"), _vocabulary("titles")
LEGAL_FORMS, ORGANISATION_WORDS = _vocabulary("legal_forms"), _vocabulary("organisation_words")
STREETS, AND, OF = _vocabulary("streets"), _vocabulary("and"), _vocabulary("of")
PEOPLES = _vocabulary("peoples")
"""Languages, nationalities and faiths: they are no names."""

BRANDS = _vocabulary("brands")
CALENDAR = frozenset(word.lower() for names in (MONTHS, WEEKDAYS) for words in names.values() for word in words)


COMMON_WORDS = 25_000
"""So many of the most frequent words of a language count as ordinary ones."""


@cache
def common_words(language: str) -> tuple[str, ...]:
    """The most frequent words of a language in small letters, some names among them, from pyspellchecker; or none."""
    if language not in SpellChecker.languages():
        return ()
    counts = SpellChecker(language=language).word_frequency.dictionary
    words = sorted((-count, word) for word, count in counts.items() if word.isalpha() and len(word) > 2)
    return tuple(word for _, word in words[:COMMON_WORDS])


def capitalised_words(language: str) -> list[str]:
    """Ordinary words as they look at the beginning of a sentence or in a heading; German nouns."""
    return (TEMPLATES / "words" / f"{language}.txt").read_text(encoding="utf-8").split()
