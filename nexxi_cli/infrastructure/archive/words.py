"""What a word is, and where the words that were searched for stand in a text.

The same for every database: each is given words that are folded already, so that case, accents and scripts count alike
in all of them, whatever their version and locale.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice

from nexxi_cli.core.archived import MATCH_END, MATCH_START

TEXT_WORDS = 8000
TEXT_BYTES = 400_000
"""What can be found of a question, and of an answer: a tsvector has 16,383 places and takes 1 MB (PostgreSQL manual,
12.11 "Limitations")."""

QUERY_WORDS = 32
WORD_CHARS = 64
SNIPPET_CHARS = 160
LEAD_CHARS = 40

# Scripts that put no spaces between words (Thai to Khmer, kana, Han): every character counts as a word.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_ACCENTS = "\u0300-\u036f"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}](?:[^\\W_{_UNSPACED}]|[{_ACCENTS}])*")
_ACCENT = re.compile(f"[{_ACCENTS}]+")
_BLANKS = re.compile(r"\s+")
_MARKS = str.maketrans({MATCH_START: " ", MATCH_END: " "})

Phrase = tuple[str, ...]
Span = tuple[int, int]


def words_of(*texts: str) -> list[str]:
    """The first words of each text, folded. Each is of letters and digits only: no quote, no operator, no blank."""
    words: list[str] = []
    for text in texts:
        left = TEXT_BYTES
        for word, _, _ in islice(_words(text), TEXT_WORDS):
            left -= len(word.encode())
            if left < 0:
                break
            words.append(word)
    return words


def phrases_of(query: str) -> list[Phrase]:
    """What has to be found: between blanks, the words that have to stand together. At most QUERY_WORDS words."""
    left = QUERY_WORDS
    phrases: dict[Phrase, None] = {}
    for match in re.finditer(r"\S+", query):
        phrase = tuple(word for word, _, _ in islice(_words(match[0]), left))
        left -= len(phrase)
        if phrase:
            phrases[phrase] = None
        if not left:
            break
    return list(phrases)


def snippet_of(texts: Sequence[str], phrases: Sequence[Phrase]) -> str:
    """One line of one of `texts`, about SNIPPET_CHARS long, where most of the phrases stand, with these marked."""
    text, start, spans, most = texts[0], 0, list[Span](), 0
    for candidate in texts:
        matches = _matches(candidate, phrases)
        for index, (begin, _, _) in enumerate(matches):
            near = [match for match in matches[index : index + SNIPPET_CHARS] if match[1] <= begin + SNIPPET_CHARS]
            phrases_near = len({phrase for _, _, phrase in near})
            if phrases_near > most:
                text, start, spans, most = candidate, begin, [(first, last) for first, last, _ in near], phrases_near
            if most == len(phrases):
                break
    return _marked(text, start, spans)


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word, folded, with its place in the text."""
    for match in _WORD.finditer(text):
        word = _fold(match[0])
        if word:
            yield word, match.start(), match.end()


def _fold(word: str) -> str:
    if word.isascii():
        return word.lower()[:WORD_CHARS]
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", word).casefold())
    composed = unicodedata.normalize("NFC", plain)
    return "".join(char for char in composed if char.isalnum())[:WORD_CHARS]


def _matches(text: str, phrases: Sequence[Phrase]) -> list[tuple[int, int, Phrase]]:
    """Where each phrase stands, in order; of two that overlap, the one that begins first."""
    words = list(islice(_words(text), TEXT_WORDS))
    by_first: dict[str, list[Phrase]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        by_first.setdefault(phrase[0], []).append(phrase)
    found: list[tuple[int, int, Phrase]] = []
    for index, (word, start, _) in enumerate(words):
        for phrase in by_first.get(word, ()):
            span = words[index : index + len(phrase)]
            if tuple(word for word, _, _ in span) == phrase and (not found or start >= found[-1][1]):
                found.append((start, span[-1][2], phrase))
    return found


def _marked(text: str, start: int, spans: Sequence[Span]) -> str:
    """The text from a little before `start` on, cut between words where it can be, with `spans` marked."""
    text = text.translate(_MARKS)
    begin = max(0, start - LEAD_CHARS)
    if begin:
        begin = next((match.end() for match in _BLANKS.finditer(text, begin, start)), begin)
    end = max([begin + SNIPPET_CHARS, *(last for _, last in spans)])
    if end < len(text):
        blank = text.rfind(" ", start + 1, end)
        end = max([blank if blank > 0 else end, *(last for _, last in spans)])
    pieces, at = ["…" if begin else ""], begin
    for first, last in spans:
        pieces += text[at:first], MATCH_START, text[first:last], MATCH_END
        at = last
    pieces += text[at:end], "…" if end < len(text) else ""
    return " ".join("".join(pieces).split())
