"""Findings of personal data in a text: who finds them, which of them stand, what replaces them."""

from collections.abc import Iterable, Sequence, Set
from itertools import islice

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding

CONTEXT_CHARS = 64
"""How far before a match a Recognizer may look; a stream keeps so much of what it has already let go."""


def find_all(recognizers: Sequence[Recognizer], types: Set[str], text: str, start: int = 0) -> tuple[Finding, ...]:
    """Findings of `types` from `start` on, in order, none touching another's characters."""
    found: list[Finding] = []
    for recognizer in recognizers:
        new = recognizer.find(text, start)
        found += new if recognizer.types <= types else [finding for finding in new if finding.type in types]
    found.sort()
    return tuple(_settled(found))


def _settled(findings: Sequence[Finding]) -> list[Finding]:
    """Of findings that overlap, the longest, then the most confident names the whole stretch, so none shows through."""
    settled: list[Finding] = []
    if not findings:
        return settled
    winner = findings[0]
    start, end = winner.start, winner.end  # of the stretch
    for finding in islice(findings, 1, None):
        first, last, _, confidence, rule = finding
        if first >= end:
            settled.append(_over(start, end, winner))
            winner, start, end = finding, first, last
            continue
        longer = (last - first) - (winner.end - winner.start)
        if longer > 0 or (longer == 0 and (confidence, rule) > (winner.confidence, winner.rule)):
            winner = finding
        if last > end:
            end = last
    settled.append(_over(start, end, winner))
    return settled


def _over(start: int, end: int, finding: Finding) -> Finding:
    if start == finding.start and end == finding.end:
        return finding
    return Finding(start, end, finding.type, finding.confidence, finding.rule)


def moved(findings: Iterable[Finding], by: int) -> list[Finding]:
    """The findings as of a text that has `by` more characters before it."""
    new = tuple.__new__  # a third of the time of Finding(...)
    return [
        new(Finding, (start + by, end + by, type_, confidence, rule))
        for start, end, type_, confidence, rule in findings
    ]


def redacted(text: str, findings: Iterable[Finding]) -> str:
    """`text` with a placeholder such as <EMAIL> for each finding. They are in order and do not overlap."""
    pieces: list[str] = []
    done = 0
    for finding in findings:
        pieces += (text[done : finding.start], "<", finding.type, ">")
        done = finding.end
    pieces.append(text[done:])
    return "".join(pieces)


def types_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The type of each finding, in their order."""
    return tuple(finding.type for finding in findings)


def type_names(findings: Iterable[Finding]) -> str:
    """The types of findings, each once, for people."""
    return ", ".join(sorted({finding.type for finding in findings}))
