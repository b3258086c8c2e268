"""Findings of personal data in a text: who finds them, which of them stand, what replaces them."""

import gc
from collections.abc import Iterable, Sequence, Set
from itertools import islice
from operator import itemgetter

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding

CONTEXT_CHARS = 64
"""How far before a match a Recognizer may look; a stream keeps so much of what it has already let go."""


def find_all(recognizers: Sequence[Recognizer], types: Set[str], text: str, start: int = 0) -> tuple[Finding, ...]:
    """Findings of `types` from `start` on, in order, none touching another's characters."""
    found: list[Finding] = []
    pauses = gc.isenabled()
    if pauses:  # findings are in no cycle, and there may be so many that to look for one takes a fifth of the time
        gc.disable()
    try:
        for recognizer in recognizers:
            new = recognizer.find(text, start)
            found += new if recognizer.types <= types else [finding for finding in new if finding.type in types]
        found.sort(key=itemgetter(0))
        return tuple(_settled(found))
    finally:
        if pauses:
            gc.enable()


def _settled(findings: Sequence[Finding]) -> list[Finding]:
    """Of findings that overlap, the longest, then the most confident names the whole stretch, so none shows through."""
    settled: list[Finding] = []
    if not findings:
        return settled
    winner = findings[0]
    begun, ended = start, end = winner[:2]  # of the winner, of the stretch
    for finding in islice(findings, 1, None):
        first, last, _, confidence, rule = finding
        if first >= end:
            settled.append(winner if begun == start and ended == end else _over(start, end, winner))
            winner, begun, ended, start, end = finding, first, last, first, last
            continue
        longer = (last - first) - (ended - begun)
        if longer > 0 or (longer == 0 and (confidence, rule) > (winner.confidence, winner.rule)):
            winner, begun, ended = finding, first, last
        if last > end:
            end = last
    settled.append(_over(start, end, winner))
    return settled


def _over(start: int, end: int, finding: Finding) -> Finding:
    return Finding(start, end, finding.type, finding.confidence, finding.rule)


def moved(findings: Iterable[Finding], by: int) -> list[Finding]:
    """The findings as of a text that has `by` more characters before it."""
    new = tuple.__new__  # a third of the time of Finding(...)
    return [
        new(Finding, (start + by, end + by, type_, confidence, rule))
        for start, end, type_, confidence, rule in findings
    ]


def redacted(text: str, findings: Iterable[Finding], at: int = 0) -> str:
    """`text`, which begins at `at`, with a placeholder such as <EMAIL> for each finding.

    They are in order and do not overlap.
    """
    pieces: list[str] = []
    done = at
    for start, end, type_, _, _ in findings:
        pieces += (text[done - at : start - at], "<", type_, ">")
        done = end
    pieces.append(text[done - at :])
    return "".join(pieces)


def types_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The type of each finding, in their order."""
    return tuple(finding.type for finding in findings)


def type_names(findings: Iterable[Finding]) -> str:
    """The types of findings, each once, for people."""
    return ", ".join(sorted({finding.type for finding in findings}))
