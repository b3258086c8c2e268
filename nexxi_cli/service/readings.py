"""Other readings of a text: what is hidden in it from people, but a model may well read.

Each is made only of a text that has something to decode. One decoding deep: what is encoded twice stays encoded.
"""

import codecs
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from nexxi_cli.service.normalise import normalise

MIN_HIDDEN_CHARS = 4
"""Fewer letters than this, smuggled or decoded, say nothing."""

_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")  # an emoji of tags: UTS 51, ED-14a
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")

_SPACED = re.compile(r"(?<!\w)[^\W_]([ .*_|~-])[^\W_](?:\1[^\W_])++(?!\w)")
_LONG_SPACED = re.compile(r"(?<!\w)[^\W_]([ .*_|~-])[^\W_](?:\1[^\W_]){3}")
_GAP = re.compile(r"[^\S\n]{2,}|\n|\s*[/|]\s+")
_LEET_WORD = re.compile(
    r"(?<![\w@$!|])(?=[\w@$!|]{0,40}[A-Za-z])(?=[\w@$!|]{0,40}[0134578@$!|])[\w@$!|]{3,40}(?![\w@$!|])"
)
_LEET_PAIR = re.compile(r"[a-z][0134578@$!|][a-z]", re.IGNORECASE)
_LEET = str.maketrans("0134578@$!|", "oieastbasil")

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[ :]?+){8,}+(?![0-9A-Za-z])|(?:\\x[0-9A-Fa-f]{2}){4,}+")
_NOT_HEX = re.compile(r"\\x|[ :]")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}[^%\n]{0,20}+){3}")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,5})\}")
_ENTITIES = re.compile(r"(?:&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});[^&\n]{0,20}+){2}")
_WORD = re.compile(r"[a-z]+")

# what words of an attack look like in other ciphers; two different ones are no accident
_CLUES = frozenset(
    ("ignore", "previous", "instructions", "system", "prompt", "reveal", "your", "you", "the", "and", "all")
)
_ROT13_CLUES = frozenset(codecs.encode(clue, "rot13") for clue in _CLUES)
_REVERSED_CLUES = frozenset(clue[::-1] for clue in _CLUES)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text. `name` is "" for the plain one, else what hides it, such as "base64"."""

    name: str
    text: str


def readings(text: str) -> Iterator[Reading]:
    """The plain reading of `text`, normalised, then those that it hides. Each is linear in len(text)."""
    plain = normalise(text).text
    yield Reading("", plain)
    for name, decode, source in (
        ("tags", _tags, text),
        ("variation selectors", _selectors, text),
        ("spaced letters", _spaced, plain),
        ("leetspeak", _leet, plain),
        ("entities", _entities, plain),
        ("percent", _percent, plain),
        ("escapes", _escapes, plain),
        ("base64", _base64, plain),
        ("hex", _hex, plain),
        ("rot13", _rot13, plain),
        ("reversed", _reversed, plain),
    ):
        found = decode(source)
        if len(found) >= MIN_HIDDEN_CHARS:
            yield Reading(name, normalise(found).text)


def _tags(text: str) -> str:
    """ASCII that is written in tag characters, which nothing displays."""
    if text.isascii():
        return ""
    runs = _TAGS.findall(_FLAG.sub("", text))
    return "".join(chr(ord(char) - 0xE0000) for run in runs for char in run)


def _selectors(text: str) -> str:
    """Bytes that are written as variation selectors 1 to 256."""
    if text.isascii():
        return ""
    runs = _SELECTORS.findall(text)
    return _text_of(bytes(_selector(char) for run in runs for char in run))


def _selector(char: str) -> int:
    code = ord(char)
    return code - 0xFE00 if code <= 0xFE0F else code - 0xE0100 + 16


def _spaced(text: str) -> str:
    """`i g n o r e   a l l` as words."""
    if not _LONG_SPACED.search(text):
        return ""
    return " ".join(_SPACED.sub(lambda run: run[0].replace(run[1], ""), part) for part in _GAP.split(text))


def _leet(text: str) -> str:
    """`1gn0r3` as letters; only in a text that has two such words, each with letters of its own."""
    if not _LEET_PAIR.search(text):
        return ""
    words = 0

    def plain(word: re.Match[str]) -> str:
        nonlocal words
        letters = word[0].translate(_LEET)
        if not letters.isalpha():
            return word[0]
        words += 1
        return letters

    decoded = _LEET_WORD.sub(plain, text)
    return decoded if words >= 2 else ""


def _entities(text: str) -> str:
    return unescape(text) if _ENTITIES.search(text) else ""


def _percent(text: str) -> str:
    return unquote(text) if _PERCENT.search(text) else ""


def _escapes(text: str) -> str:
    if len(_ESCAPE.findall(text)) < MIN_HIDDEN_CHARS:
        return ""
    return _ESCAPE.sub(lambda found: chr(min(int(found[1] or found[2], 16), 0x10FFFF)), text)


def _base64(text: str) -> str:
    return _decoded(_BASE64, text, lambda run: b64decode(run + b"=" * (-len(run) % 4), altchars=None))


def _hex(text: str) -> str:
    return _decoded(_HEX, text, lambda run: bytes.fromhex(_NOT_HEX.sub("", run.decode())))


def _decoded(pattern: re.Pattern[str], text: str, decode: Callable[[bytes], bytes]) -> str:
    """What the runs of `pattern` decode to, a line each; runs that are no text are left out."""
    lines = []
    for found in pattern.finditer(text):
        run = found[0].rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
        try:
            lines.append(_text_of(decode(run.encode("ascii"))))
        except ValueError:
            continue
    return "\n".join(line for line in lines if line)


def _text_of(raw: bytes) -> str:
    """The text that the bytes are, or "" for what nobody wrote: not UTF-8, or few letters."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    letters = sum(char.isalpha() or char == " " for char in text)
    return text if letters * 4 >= len(text) * 3 and text.isprintable() | ("\n" in text) else ""


def _rot13(text: str) -> str:
    return codecs.encode(text, "rot13") if _has_two(text, _ROT13_CLUES) else ""


def _reversed(text: str) -> str:
    return text[::-1] if _has_two(text, _REVERSED_CLUES) else ""


def _has_two(text: str, clues: frozenset[str]) -> bool:
    return len(clues.intersection(_WORD.findall(text.lower()))) >= 2
