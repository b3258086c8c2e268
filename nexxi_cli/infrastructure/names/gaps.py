"""Gaps: what stands between two words, as a feature and as a sign that they are no words of their own."""

import re
from dataclasses import dataclass

from nexxi_cli.infrastructure.names.kept import Kept

_GAP_CHARS = 6
_KEPT = 4096

_GLUE = ("_", "@")
_NUMBER_BEFORE = (*_GLUE, ":", "=", "$", "\u20ac", "\xa3", "+", "[", "{", "<")
_NUMBER_AFTER = (*_GLUE, ":", "=", "%", "\u20ac", "$", "]", "}", " %", " \u20ac", " ms")
"""What stands beside numbers of other kinds than those of houses."""


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """A gap as it is seen from the word behind it and from the one before it.

    before, after: as the feature of the word behind it, and of the one before it. glues_next, glues_last: it makes a
    part of an identifier or of an address of e-mail of that word. counts_next, counts_last: it makes a number of
    another kind than those of houses of that one.
    """

    text: str
    before: str
    after: str
    glues_next: bool
    glues_last: bool
    counts_next: bool
    counts_last: bool


def gap_of(text: str) -> Gap:
    """What is known of a gap; only its first and its last characters count."""
    return _GAPS[text if len(text) <= 2 * _GAP_CHARS else text[:_GAP_CHARS] + text[-_GAP_CHARS - 1 :]]


def gap_before(gap: str) -> str:
    """What stands before a word, as a feature."""
    return _simple(gap) if len(gap) <= _GAP_CHARS else "~" + _simple(gap[-_GAP_CHARS:])


def gap_after(gap: str) -> str:
    """What stands after a word, as a feature."""
    return _simple(gap) if len(gap) <= _GAP_CHARS else _simple(gap[:_GAP_CHARS]) + "~"


def _simple(gap: str) -> str:
    """The gap with one blank for many and one line end for many."""
    if gap in (" ", ""):
        return gap
    return re.sub(r"[ \t\xa0]+", " ", re.sub(r"\s*\n\s*", "\n", gap))


def _gap(text: str) -> Gap:
    return Gap(
        text,
        gap_before(text),
        gap_after(text),
        glues_next=text.endswith(_GLUE),
        glues_last=text.startswith(_GLUE),
        counts_next=text.endswith(_NUMBER_BEFORE),
        counts_last=text.startswith(_NUMBER_AFTER),
    )


_GAPS = Kept(_gap, _KEPT)
