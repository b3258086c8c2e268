"""Lookup: what placeholders stand for, read from a map that others may be writing at this time."""

from collections.abc import Callable, Sequence
from typing import Protocol

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms


class ReadableMap(Protocol):
    """Placeholders and values in a file."""

    def read(self) -> Sequence[tuple[str, str]]:
        """Those that were added since the last call. Raises NexxiError."""


class Lookup:
    """Looks into the map again for each name that it does not know: in a pipe, both ends begin at the same time.

    A map that cannot be read makes no text stop: placeholders stay in it, and `error` says why.
    """

    def __init__(self, open_map: Callable[[], ReadableMap]) -> None:
        self._open_map = open_map
        self._map: ReadableMap | None = None
        self._known = Pseudonyms()
        self.error: NexxiError | None = None

    def value_of(self, name: str) -> str | None:
        """What the placeholder of this name, such as EMAIL_1, stands for; None where it is not known."""
        value = self._known.value_of(name)
        if value is None:
            self._read()
            value = self._known.value_of(name)
        return value

    def _read(self) -> None:
        try:
            if self._map is None:
                self._map = self._open_map()
            self._known.learn(self._map.read())
            self.error = None
        except NexxiError as error:
            self.error = error
