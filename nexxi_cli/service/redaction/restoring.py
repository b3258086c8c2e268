r"""Restorer: puts originals back where their placeholders stand, in a text that comes in pieces.

Models write placeholders a little differently. Inside angle brackets, however these are escaped, any case counts, and
a blank or hyphen for the underscore: `< Email 1 >`, `&lt;EMAIL_1&gt;`, `\<EMAIL\_1\>`. With one bracket or none it has
to be `EMAIL_1` to the letter, as a word. A placeholder that is not known stays as it is.
"""

import re
from collections.abc import Callable

_OPEN = (r"\u003c", "&lt;", "&LT;", "&#60;", "&#x3c;", "&#x3C;", "%3C", "%3c", r"\u003C", r"\<", "<")
_CLOSE = (r"\u003e", "&gt;", "&GT;", "&#62;", "&#x3e;", "&#x3E;", "%3E", "%3e", r"\u003E", r"\>", ">")
_MAX_CHARS = 80


def _any_of(literals: tuple[str, ...]) -> str:
    return "(?:" + "|".join(map(re.escape, literals)) + ")"


def _cut_off(literal: str) -> str:
    """A pattern of `literal`, or of the part of it that the end of the text leaves."""
    first, rest = re.escape(literal[0]), literal[1:]
    return f"{first}(?:\\Z|{_cut_off(rest)})" if rest else first


def _begun(literals: tuple[str, ...]) -> str:
    """The beginnings of the literals that the end of the text cuts off, and the literals."""
    return "(?:" + "|".join(map(_cut_off, literals)) + ")"


_LOOSE = r"[A-Za-z](?:[A-Za-z _\-]|\\_){0,40}?[0-9]{1,9}"
_STRICT = r"[A-Z]+(?:\\?_[A-Z]+)*\\?_[0-9]{1,9}"
_PLACEHOLDER = re.compile(
    rf"{_any_of(_OPEN)}\s?({_LOOSE})\s?{_any_of(_CLOSE)}"
    rf"|(?:{_any_of(_OPEN)}|(?<![A-Za-z0-9_]))({_STRICT})(?:{_any_of(_CLOSE)}|(?![A-Za-z0-9_]))"
)
_GROWING = re.compile(
    rf"{_any_of(_OPEN)}\s?(?:[A-Za-z](?:[A-Za-z _\-]|\\_){{0,40}}\\?[0-9]{{0,9}}\s?{_begun(_CLOSE)}?)?\Z"
    rf"|{_begun(_OPEN)}\Z"
    rf"|(?<![A-Za-z0-9_])[A-Z][A-Z_\\]{{0,40}}[0-9]{{0,9}}{_begun(_CLOSE)}?\Z"
)


def restored(text: str, value_of: Callable[[str], str | None]) -> str:
    """A whole text with the originals."""
    restorer = Restorer(value_of)
    return restorer.push(text) + restorer.finish()


class Restorer:
    """One text, pushed piece by piece; what comes out, joined, is the restored text, however it was cut."""

    def __init__(self, value_of: Callable[[str], str | None]) -> None:
        """`value_of` says what stands behind a name such as EMAIL_1, or None."""
        self._value_of = value_of
        self._buffer = ""  # one character that is already out; then what is held back
        self._held_from = 0

    def push(self, text: str) -> str:
        """Take the next piece; return what may go on by now: all but what can still become a placeholder."""
        if not text:
            return ""
        self._buffer += text
        found = _GROWING.search(self._buffer, max(self._held_from, len(self._buffer) - _MAX_CHARS))
        return self._release(found.start() if found else len(self._buffer))

    def finish(self) -> str:
        """The text is over: return the rest."""
        return self._release(len(self._buffer))

    def _release(self, end: int) -> str:
        pieces: list[str] = []
        done = self._held_from
        for match in _PLACEHOLDER.finditer(self._buffer, self._held_from):
            if match.start() >= end:
                break
            pieces += (self._buffer[done : match.start()], self._restored(match))
            done = match.end()
        end = max(end, done)
        pieces.append(self._buffer[done:end])
        self._buffer = self._buffer[max(0, end - 1) :]
        self._held_from = min(end, 1)
        return "".join(pieces)

    def _restored(self, match: re.Match[str]) -> str:
        name = re.sub(r"[^A-Z0-9]+", "_", (match[1] or match[2]).upper())
        value = self._value_of(name)
        return match[0] if value is None else value
