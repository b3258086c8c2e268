"""Edits of a text, and the way back: which characters of the original a piece of the edited text came from."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters start to end (exclusive) are replaced by `text`."""

    start: int
    end: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters of the edited text from `at` on: a copy of the original from `start` on, or what replaced it."""

    at: int
    start: int
    end: int
    copied: bool


class Edited:
    """`text` after edits. `original` finds where a part of it stood before."""

    def __init__(self, before: str, edits: Iterable[Edit]) -> None:
        """Edits are in order and do not overlap."""
        self._pieces: list[_Piece] = []
        out: list[str] = []
        length = done = 0
        for edit in (*edits, Edit(len(before), len(before))):
            for piece, start, end, copied in (
                (before[done : edit.start], done, edit.start, True),
                (edit.text, edit.start, edit.end, False),
            ):
                if piece:
                    self._pieces.append(_Piece(length, start, end, copied))
                    out.append(piece)
                    length += len(piece)
            done = edit.end
        self.text = "".join(out)
        self._starts = [piece.at for piece in self._pieces]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the text before the edits that characters start to end (exclusive) of `text` stand for.

        The span is not empty, and covers what was removed between the two ends.
        """
        assert 0 <= start < end <= len(self.text)
        first, last = self._piece(start), self._piece(end - 1)
        return (
            first.start + (start - first.at) if first.copied else first.start,
            last.start + (end - last.at) if last.copied else last.end,
        )

    def _piece(self, at: int) -> _Piece:
        return self._pieces[bisect_right(self._starts, at) - 1]
