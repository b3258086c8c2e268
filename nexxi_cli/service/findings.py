"""Findings of personal data in a text: who finds them, which of them stand, what replaces them."""

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding

CONTEXT_CHARS = 64
"""How far before a match a Recognizer may look; a stream keeps so much of what it has already let go."""


def find_all(
    recognizers: Sequence[Recognizer], types: Collection[str], text: str, start: int = 0
) -> tuple[Finding, ...]:
    """Findings of `types` from `start` on, in order, none touching another's characters."""
    found = [finding for recognizer in recognizers for finding in recognizer.find(text, start) if finding.type in types]
    found.sort(key=attrgetter("end"))
    found.sort(key=attrgetter("start"))  # twice by a number is faster than once by two
    return tuple(_settled(found))


def _settled(findings: Iterable[Finding]) -> list[Finding]:
    """Of findings that overlap, the longest, then the most confident names the whole stretch, so none shows through."""
    settled: list[Finding] = []
    group: list[Finding] = []
    end = 0
    for finding in findings:
        if finding.start >= end:
            if group:
                settled[-1] = _merged(group, end)
                group = []
            settled.append(finding)
            end = finding.end
        else:
            group = group or [settled[-1]]
            group.append(finding)
            end = max(end, finding.end)
    if group:
        settled[-1] = _merged(group, end)
    return settled


def _merged(group: Sequence[Finding], end: int) -> Finding:
    winner = max(group, key=lambda finding: (finding.end - finding.start, finding.confidence, finding.rule))
    return Finding(group[0].start, end, winner.type, winner.confidence, winner.rule)


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
