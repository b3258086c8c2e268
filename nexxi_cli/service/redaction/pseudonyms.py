"""Pseudonyms: `<EMAIL_1>` for the first address, and for each one its own number. They are kept by a port."""

import re
from collections.abc import Iterable, Sequence

from nexxi_cli.core.ports import PseudonymLedger

PLACEHOLDER = re.compile(r"<([A-Z][A-Z_]*)_([1-9][0-9]{0,8})>")


class InMemoryLedger:
    """Keeps nothing beyond the process."""

    def begin(self) -> Sequence[tuple[str, str]]:
        """There is no other writer."""
        return ()

    def commit(self, entries: Sequence[tuple[str, str]]) -> None:
        """Pseudonyms has them."""

    def sync(self) -> None:
        """It outlasts nothing."""


class Pseudonyms:
    """The operator, and the way back. The same value of a type gets the same placeholder, among all users of a ledger.

    Memory grows with the number of different values.
    """

    def __init__(self, ledger: PseudonymLedger | None = None) -> None:
        self._ledger = ledger or InMemoryLedger()
        self._placeholders: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._last: dict[str, int] = {}
        self._new: list[tuple[str, str]] = []
        self._begun = False

    def apply(self, type_: str, value: str) -> str:
        """The placeholder of this value."""
        found = self._placeholders.get((type_, value))
        if found is None and not self._begun:
            self._begun = True
            self.learn(self._ledger.begin())
            found = self._placeholders.get((type_, value))
        if found is None:
            found = f"<{type_}_{self._last.get(type_, 0) + 1}>"
            self._learn(found, value)
            self._new.append((found, value))
        return found

    def settle(self) -> None:
        """Keep what is new."""
        if self._begun:
            entries, self._new, self._begun = self._new, [], False
            self._ledger.commit(entries)

    def value_of(self, name: str) -> str | None:
        """What the placeholder of this name, such as EMAIL_1, stands for."""
        return self._values.get(name)

    def learn(self, entries: Iterable[tuple[str, str]]) -> None:
        """Take over placeholders that others gave."""
        for placeholder, value in entries:
            self._learn(placeholder, value)

    def avoid(self, text: str) -> None:
        """Give no placeholder that stands in `text` and came from elsewhere."""
        for type_, number in PLACEHOLDER.findall(text):
            self._last[type_] = max(self._last.get(type_, 0), int(number))

    def _learn(self, placeholder: str, value: str) -> None:
        match = PLACEHOLDER.fullmatch(placeholder)
        assert match is not None
        type_, number = match[1], int(match[2])
        self._placeholders[type_, value] = placeholder
        self._values[placeholder[1:-1]] = value
        self._last[type_] = max(self._last.get(type_, 0), number)
