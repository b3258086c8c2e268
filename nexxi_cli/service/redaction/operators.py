"""Operators: what may stand in the place of a finding. Knows which type gets which; knows no key and no file."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from nexxi_cli.core.types import Finding
from nexxi_cli.service.findings import redacted

NAMES = ("replace", "mask", "hash", "pseudonym", "encrypt", "fake")

SHOWN_CHARS = 4
"""What `mask` leaves at the end, as receipts do with card numbers, of a value that is more than twice as long."""


class Operator(Protocol):
    """Makes the text that stands in the place of a value."""

    def apply(self, type_: str, value: str) -> str:
        """What stands for `value`, which was found to be of this type."""

    def settle(self) -> None:
        """A piece of text is about to leave: whatever is needed to restore it has to be kept by now."""


class Replace:
    """`<EMAIL>`: the type alone."""

    def apply(self, type_: str, value: str) -> str:
        """The placeholder of the type."""
        return f"<{type_}>"

    def settle(self) -> None:
        """Nothing is kept."""


class Mask:
    """`****.***@*******.com`: the same length and shape, the last characters readable.

    Of a secret nothing but the length is shown, its punctuation being a part of it; line ends stay in all.
    """

    def apply(self, type_: str, value: str) -> str:
        """The value behind asterisks."""
        if type_ == "SECRET":
            return re.sub(r"[^\r\n]", "*", value)
        shown = SHOWN_CHARS if len(value) > 2 * SHOWN_CHARS else 0
        head, tail = value[: len(value) - shown], value[len(value) - shown :]
        return re.sub(r"[^\W_]", "*", head) + tail

    def settle(self) -> None:
        """Nothing is kept."""


class Operators:
    """The operator of each type."""

    def __init__(self, default: Operator, by_type: Mapping[str, Operator] | None = None) -> None:
        self._default = default
        self._by_type = dict(by_type or {})
        self._all = tuple({id(one): one for one in (default, *self._by_type.values())}.values())
        self._says_only_types = all(isinstance(one, Replace) for one in self._all)

    def render(self, text: str, at: int, findings: Sequence[Finding]) -> str:
        """`text`, which begins at `at`, with what stands for each finding. A StreamGuard's Render."""
        if not findings:
            return text
        if self._says_only_types:
            return redacted(text, findings, at)
        pieces: list[str] = []
        done = 0
        operator_of, default = self._by_type.get, self._default
        for start, end, type_, _, _ in findings:
            first, last = start - at, end - at
            pieces += (text[done:first], operator_of(type_, default).apply(type_, text[first:last]))
            done = last
        pieces.append(text[done:])
        self.settle()
        return "".join(pieces)

    def apply(self, type_: str, value: str) -> str:
        """What stands for one value. `settle` has to come before it leaves."""
        return self._by_type.get(type_, self._default).apply(type_, value)

    def settle(self) -> None:
        """Keep what is needed to restore what was applied so far."""
        for operator in self._all:
            operator.settle()
