"""Decoders: what a text hides by an encoding, a cipher or a manner of writing. Each is linear in the text.

A decoder returns the text that it sees, or "" where there is nothing to decode. One layer deep: what is encoded twice
stays encoded. Sources: RFC 4648 (base64, base32), RFC 3986 2.1 (percent), ITU-R M.1677 (Morse).
"""

import codecs
import re
from base64 import b32decode, b64decode
from collections.abc import Callable
from html import unescape
from urllib.parse import unquote

MIN_ESCAPES = 4
"""Fewer escapes than this are a few special characters."""

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
_BASE32 = re.compile(r"(?<![A-Za-z0-9])[A-Z2-7]{24,}+={0,6}(?![A-Za-z0-9])")
_BINARY = re.compile(r"(?<![0-9])(?:[01]{8}[ ,]?+){4,}+(?![0-9])")
_MORSE = re.compile(r"(?<![.\-])(?:[.\-]{1,6}[ /|]{1,3}){8,}+[.\-]{0,6}")
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
_MORSE_CODES = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_MORSE_LETTERS = dict(zip(_MORSE_CODES.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))
_ROT13_CLUES = frozenset(codecs.encode(clue, "rot13") for clue in _CLUES)
_REVERSED_CLUES = frozenset(clue[::-1] for clue in _CLUES)


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
    return unescape(text) if "&" in text and _ENTITIES.search(text) else ""


def _percent(text: str) -> str:
    return unquote(text) if "%" in text and _PERCENT.search(text) else ""


def _escapes(text: str) -> str:
    if len(_ESCAPE.findall(text)) < MIN_ESCAPES:
        return ""
    return _ESCAPE.sub(lambda found: chr(min(int(found[1] or found[2], 16), 0x10FFFF)), text)


def _base64(text: str) -> str:
    return _decoded(_BASE64, text, lambda run: b64decode(run + b"=" * (-len(run) % 4), altchars=None))


def _hex(text: str) -> str:
    return _decoded(_HEX, text, lambda run: bytes.fromhex(_NOT_HEX.sub("", run.decode())))


def _base32(text: str) -> str:
    return _decoded(_BASE32, text, lambda run: b32decode(run + b"=" * (-len(run) % 8)))


def _binary(text: str) -> str:
    return _decoded(_BINARY, text, lambda run: bytes(int(byte, 2) for byte in re.findall(rb"[01]{8}", run)))


def _morse(text: str) -> str:
    runs = _MORSE.findall(text)
    words = (re.split(r"[/|]|\s{2,}", run) for run in runs)
    return "\n".join(
        " ".join("".join(_MORSE_LETTERS.get(sign, "") for sign in word.split()) for word in run) for run in words
    )


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


DECODERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("tags", _tags),
    ("variation selectors", _selectors),
    ("spaced letters", _spaced),
    ("leetspeak", _leet),
    ("entities", _entities),
    ("percent", _percent),
    ("escapes", _escapes),
    ("base64", _base64),
    ("base32", _base32),
    ("hex", _hex),
    ("binary", _binary),
    ("morse", _morse),
    ("rot13", _rot13),
    ("reversed", _reversed),
)
"""What hides a text, and the decoder of it."""
