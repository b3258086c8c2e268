"""Normalise: the text as a reader sees it, and the way back to the original.

Invisible characters go, compatibility forms become plain ones (NFKC), and letters of other scripts inside a Latin word
become the Latin ones that they pass for. Words that are Russian or Greek as a whole stay so in a Russian or Greek text.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from nexxi_cli.service.confusables import LATIN_FOR
from nexxi_cli.service.edits import Edit, Edited

MAX_PASSES = 5
"""One reading can make another one possible (a letter that became Latin takes its accent); so many are read."""

# Default_Ignorable_Code_Point of Unicode 16.0 (DerivedCoreProperties.txt), and controls that are not white space
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
_FOREIGN_RUN = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z\u0180-\u02af\u1d00-\u1d2b\ua720-\ua7ff]")  # small capitals and phonetic letters too

# Characters with combining class 0 that compose with the one before them, from UnicodeData.txt
_JOINERS = re.compile(
    "[\u1161-\u1175\u11a8-\u11c2\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf"
    "\u102e\u1b35\U00011127\U0001133e\U00011357\U000113b8\U000113bb\U000113c2\U000113c5\U000113c7-\U000113c9"
    "\U000114b0\U000114ba\U000114bd\U000115af\U00011930\U0001611e-\U00016129\U00016d67]"
)


class Normalised:
    """A normalised text, and the way back. Nothing to normalise: `text` is the text itself."""

    def __init__(self, text: str, layers: Sequence[Edited] = ()) -> None:
        self._layers = layers
        self.text = layers[-1].text if layers else text

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that characters start to end (exclusive) of `text` stand for."""
        for layer in reversed(self._layers):
            start, end = layer.original(start, end)
        return start, end


def normalise(text: str) -> Normalised:
    """The main reading of `text`; to normalise it again changes nothing. Linear in len(text)."""
    layers: list[Edited] = []
    now = text
    for _ in range(MAX_PASSES):
        before = now
        for edits in (_without_invisible, _compatible, _latin):
            layer = Edited(now, found) if (found := list(edits(now))) else None
            if layer is not None:
                layers.append(layer)
                now = layer.text
        if now == before:
            break
    return Normalised(text, layers)


def _without_invisible(text: str) -> Iterator[Edit]:
    return (Edit(found.start(), found.end()) for found in INVISIBLE.finditer(text))


def _compatible(text: str) -> Iterator[Edit]:
    """NFKC, in pieces that do not act on each other."""
    if unicodedata.is_normalized("NFKC", text):
        return
    for run in _FOREIGN_RUN.finditer(text):
        start = run.start()
        for at in range(start + 1, run.end() + 1):
            if at < run.end() and not _begins(text[at]):
                continue
            piece = text[start:at]
            plain = unicodedata.normalize("NFKC", piece)
            if plain != piece:
                yield Edit(start, at, plain)
            start = at


@lru_cache(maxsize=4096)
def _begins(char: str) -> bool:
    """Whether no character before it can join with this one (UAX 15, section 9)."""
    first = unicodedata.normalize("NFKD", char)[0]
    return not unicodedata.combining(first) and not _JOINERS.match(first)


def _latin(text: str) -> Iterator[Edit]:
    """Words that hide behind letters of other scripts."""
    if text.isascii():
        return
    words = [word for word in _WORD.finditer(text) if not word[0].isascii()]
    latin = len(_LATIN.findall(text))
    foreign = sum(len(word[0]) - len(_LATIN.findall(word[0])) for word in words)
    for word in words:
        letters = word[0]
        if not _LATIN.search(letters) and (latin < foreign or not all(letter in LATIN_FOR for letter in letters)):
            continue
        plain = "".join(LATIN_FOR.get(letter, letter) for letter in letters)
        if plain != letters:
            yield Edit(word.start(), word.end(), plain)
