"""Private keys in their textual blocks: RFC 7468 (PEM), RFC 9580, 6.2 (OpenPGP), whole or cut short.

Line ends may be written as JSON and shells do, as a backslash and an n. A header alone, as prose about keys has it,
is none.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers.patterns import Spans, cut_off
from nexxi_cli.infrastructure.recognizers.probes import literals

MAX_CHARS = 20_000
"""An RSA key of 16,384 bits takes 12,600 characters."""

_BEGIN = "-----BEGIN "
_HEADER = rf"{_BEGIN}(?:[A-Z0-9]{{1,12}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----"
_GAP = r"(?:\s|\\[rn])"
_FIELDS = rf"(?:{_GAP}++[A-Za-z\-]{{1,30}}:[^\n\\]{{0,200}}+){{0,9}}+"  # Proc-Type, DEK-Info, Version, Comment
_RUN = r"[A-Za-z0-9+/=]"
_BODY = rf"{_GAP}*+{_RUN}{{16}}(?:[A-Za-z0-9+/=\s]++|\\[rn])*+"
_WHOLE = rf"{_HEADER}{_FIELDS}{_BODY}-----END [A-Z0-9 ]{{1,60}}-----"
_CUT_SHORT = rf"{_HEADER}{_FIELDS}(?:{_GAP}*+{_RUN}{{16,}}+)+"

_HEADER_BEGUN = rf"{cut_off(_BEGIN)}[A-Z0-9 ]{{0,60}}-{{0,5}}"
_FIELD_BEGUN = r"[A-Za-z\-]{1,30}(?::[^\n\\]{0,200})?"
_END_BEGUN = r"(?:-{1,5}(?:E(?:N(?:D(?: [A-Z0-9 ]{0,60}-{0,5})?)?)?)?)?"
_GROWING = (
    rf"{_HEADER_BEGUN}|{_HEADER}{_FIELDS}(?:{_GAP}*+(?:{_RUN}{{0,15}}|{_FIELD_BEGUN})\\?|{_BODY}(?:\\|{_END_BEGUN}))"
)


class PrivateKeyRecognizer:
    """Finds private key blocks."""

    types = frozenset(("SECRET",))
    max_chars = MAX_CHARS

    @property
    def searches(self) -> tuple["PrivateKeySearch"]:
        """Its one rule."""
        return (_SEARCH,)

    def find(self, text: str, start: int = 0) -> Iterator[Finding]:
        """Findings that begin at `start` or later."""
        return _SEARCH.find(text, ((start, len(text)),))

    def open_from(self, text: str, start: int) -> int:
        """The first place from `start` on where a block may begin that reaches the end of the text."""
        at = text.find(_BEGIN, max(start, len(text) - MAX_CHARS))
        while at >= 0:
            if self._growing.fullmatch(text, at):
                return at
            at = text.find(_BEGIN, _SEARCH.end(text, at) or at + 1)
        begun = self._begun.search(text, max(start, len(text) - len(_BEGIN)))
        return begun.start() if begun else len(text)

    @cached_property
    def _begun(self) -> re.Pattern[str]:
        return re.compile(f"(?:{cut_off(_BEGIN)})\\Z")

    @cached_property
    def _growing(self) -> re.Pattern[str]:
        return re.compile(_GROWING)


class PrivateKeySearch:
    """Looks for blocks where they may begin."""

    probes = literals(_BEGIN, alone="")

    def find(self, text: str, spans: Spans) -> Iterator[Finding]:
        """Findings that begin in `spans`, in order."""
        free = 0
        for first, last in spans:
            free = max(free, first)
            while (at := text.find(_BEGIN, free, last + len(_BEGIN))) >= 0:
                end = self.end(text, at)
                if end is not None:
                    yield Finding(at, end, "SECRET", 0.99, "secret.private_key")
                free = end or at + 1

    def end(self, text: str, at: int) -> int | None:
        """Where the block that begins at `at` ends; None when there is none."""
        match = self._block.match(text, at, at + MAX_CHARS)
        return match.end() if match else None

    @cached_property
    def _block(self) -> re.Pattern[str]:
        return re.compile(f"{_WHOLE}|{_CUT_SHORT}")


_SEARCH = PrivateKeySearch()
PRIVATE_KEY = PrivateKeyRecognizer()
