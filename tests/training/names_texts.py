"""Texts with known names, made from the templates in names/.

Slots: {P} a person, {F} a first name, {L} a family name, {T} a title and a name, {O} an organisation, {C} a town,
{K} a country, {R} a region, {A} an address, {f} {l} {c} in small letters; {J} an occupation, {W} an ordinary word,
{I} a language or nationality, {M} a month, {Y} a weekday, {D} a date, {E} an address of e-mail,
{H} a telephone number, {N} a number.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

from tests.training.names_lists import LANGUAGES
from tests.training.names_made import NameMaker
from tests.training.names_words import MONTHS, PEOPLES, TEMPLATES, TITLES, WEEKDAYS

HELD_OUT_TEMPLATES_PERCENT = 15
VARIED_SHARE, VARIED_WORDS = 0.6, 0.35

_WORD = re.compile(r"[^\W\d_]{3,}")
_SLOT = re.compile(r"\{([A-Za-z])\}")
_DIGIT = re.compile("#")
_TELEPHONES = (
    *("+## ### ######", "+# ### ### ####", "0## #######", "0#### ######", "(###) ###-####", "###-###-####x###"),
    *("### ## ## ##", "## ## ## ##", "0# ## ## ## ##", "## ### ### ####", "0### ### ## ##", "###-####", "## ### ###"),
)
_NAMES = {
    "F": ("first", "PERSON"),
    "C": ("cities", "LOCATION"),
    "K": ("countries", "LOCATION"),
    "R": ("regions", "LOCATION"),
}
_WHOLE: Mapping[str, tuple[Callable[[NameMaker], str], str]] = {
    "P": (NameMaker.person, "PERSON"),
    "L": (NameMaker.last, "PERSON"),
    "l": (lambda make: make.one("last").lower(), "PERSON"),
    "O": (NameMaker.organisation, "ORGANIZATION"),
    "A": (NameMaker.address, "ADDRESS"),
}


@dataclass(frozen=True)
class Labelled:
    """A text and its names: [start, end, label]."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def templates(*, held_out: bool) -> dict[str, list[str]]:
    """The templates of each language; some of them are held out by a hash."""
    return {
        language: [
            line.replace("\\n", "\n")
            for line in (TEMPLATES / f"{language}.txt").read_text(encoding="utf-8").splitlines()
            if line and (crc32(line.encode()) % 100 < HELD_OUT_TEMPLATES_PERCENT) == held_out
        ]
        for language in LANGUAGES
    }


class Writer:
    """Writes texts in one language."""

    def __init__(self, rng: random.Random, language: str, *, held_out: bool) -> None:
        self._rng = rng
        self._language = language
        self._make = NameMaker(rng, language, held_out=held_out)

    def text(self, templates: list[str]) -> Labelled:
        """Some sentences, in capitals or in small letters at times."""
        rng = self._rng
        pieces: list[tuple[str, str]] = []
        for number in range(rng.choices((1, 2, 3), (5, 3, 2))[0]):
            if number:
                pieces.append((rng.choice((" ", " ", " ", "\n", "\n\n")), ""))
            pieces += self._filled(rng.choice(templates))
        case = rng.random()
        change = str.lower if case < 0.06 else str.upper if case < 0.09 else str
        text, spans = "", []
        for piece, label in pieces:
            if label:
                spans.append((len(text), len(text) + len(change(piece)), label))
            text += change(piece)
        return Labelled(text, tuple(spans))

    def _filled(self, template: str) -> Iterator[tuple[str, str]]:
        is_varied = self._rng.random() < VARIED_SHARE
        for number, piece in enumerate(_SLOT.split(template)):
            if number % 2:
                yield from self._slot(piece)
            else:
                yield _WORD.sub(self._other_word, piece) if is_varied else piece, ""

    def _other_word(self, match: re.Match[str]) -> str:
        """Another ordinary word now and then, so that the sentences are not learnt by heart."""
        word, rng = match[0], self._rng
        if rng.random() > VARIED_WORDS or not (word.islower() or word.istitle()):
            return word
        other = self._make.ordinary()
        return other.capitalize() if word.istitle() or rng.random() < 0.1 else other.lower()

    def _slot(self, slot: str) -> Iterator[tuple[str, str]]:
        make, rng = self._make, self._rng
        if slot == "T":
            yield rng.choice(TITLES[self._language]) + " ", ""
            yield make.last() if rng.random() < 0.6 else make.person(), "PERSON"
        elif slot in _WHOLE:
            how, label = _WHOLE[slot]
            yield how(make), label
        elif slot.upper() in _NAMES:
            kind, label = _NAMES[slot.upper()]
            yield make.one(kind).lower() if slot.islower() else make.one(kind), label
        else:
            yield self._plain(slot), ""

    def _plain(self, slot: str) -> str:
        make, rng, language = self._make, self._rng, self._language
        match slot:
            case "J":
                return make.job()
            case "W":
                return self._make.ordinary()
            case "I":
                return rng.choice(PEOPLES[language])
            case "M":
                return rng.choice(MONTHS[language])
            case "Y":
                return rng.choice(WEEKDAYS[language])
            case "D":
                year = rng.randint(1930, 2024)
                month = rng.choice(MONTHS[language])
                return rng.choice(
                    (f"{rng.randint(1, 28)}.{rng.randint(1, 12)}.{year}", f"{rng.randint(1, 28)} {month} {year}")
                )
            case "E":
                return f"{make.one('first').lower()}{rng.randint(1, 99)}@example.com"
            case "H":
                return _DIGIT.sub(lambda _: str(rng.randrange(10)), rng.choice(_TELEPHONES))
            case _:
                return str(rng.choice((rng.randint(1, 99), rng.randint(100, 9999), rng.randint(1900, 2026))))


def texts(rng: random.Random, count: int, *, held_out: bool) -> Iterator[Labelled]:
    """`count` texts in all languages, more of them in English."""
    by_language = templates(held_out=held_out)
    writers = {language: Writer(rng, language, held_out=held_out) for language in by_language}
    names, weights = (
        list(by_language),
        [4 if language == "en" else 2 if language in ("de", "es", "fr") else 1 for language in by_language],
    )
    for _ in range(count):
        language = rng.choices(names, weights)[0]
        yield writers[language].text(by_language[language])
