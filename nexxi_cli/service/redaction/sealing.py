"""Encrypt and Decryptor: tokens such as `<EMAIL#...>` that a key opens again. Knows their form, and no cipher."""

import re

from nexxi_cli.core.errors import NotAuthorised
from nexxi_cli.core.ports import ValueCipher

_TOKEN = re.compile(r"<([A-Z][A-Z_]*)#([A-Za-z0-9_\-]{23,})>")
_GROWING = re.compile(r"<(?:[A-Z][A-Z_]*(?:#[A-Za-z0-9_\-]*)?)?\Z")

MAX_TOKEN_CHARS = 100_000
"""A private key of 20,000 characters makes a token of 27,000; non-ASCII values three times that."""


class Encrypt:
    """The operator: the same token for the same value, type and key."""

    def __init__(self, cipher: ValueCipher) -> None:
        self._cipher = cipher

    def apply(self, type_: str, value: str) -> str:
        """The token."""
        return f"<{type_}#{self._cipher.seal(type_, value)}>"

    def settle(self) -> None:
        """The token has all that is needed."""


class Decryptor:
    """One text, pushed piece by piece; tokens come out as what they stand for.

    What looks like a token and does not open stays, once another one has opened.
    """

    def __init__(self, cipher: ValueCipher) -> None:
        self._cipher = cipher
        self._buffer = ""
        self._opened = False
        self.unopened = 0

    def push(self, text: str) -> str:
        """Take the next piece; return what may go on. Raises NotAuthorised if the first token does not open."""
        self._buffer += text
        begin = self._buffer.rfind("<", max(0, len(self._buffer) - MAX_TOKEN_CHARS))
        growing = begin >= 0 and _GROWING.match(self._buffer, begin)
        return self._release(begin if growing else len(self._buffer))

    def finish(self) -> str:
        """The text is over: return the rest. Raises as `push`."""
        return self._release(len(self._buffer))

    def _release(self, end: int) -> str:
        text, self._buffer = self._buffer[:end], self._buffer[end:]
        return _TOKEN.sub(self._opened_token, text) if "<" in text else text

    def _opened_token(self, match: re.Match[str]) -> str:
        value = self._cipher.open(match[1], match[2])
        if value is not None:
            self._opened = True
            return value
        if not self._opened:
            raise NotAuthorised(
                f"the first <{match[1]}#...> does not open: the key is another one than it was made with, "
                "or the token was changed"
            )
        self.unopened += 1
        return match[0]
