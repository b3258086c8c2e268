"""Where Markdown shows code: fenced blocks and inline code (CommonMark 0.31, 4.5 and 6.1). Linear in the text."""

import re

_FENCE = re.compile(r"^ {0,3}(?:(`{3,})[^`\n]*|(~{3,})[^\n]*)$", re.MULTILINE)
_TICKS_OR_BREAK = re.compile(r"`+|\n[ \t\r]*(?=\n)")

Span = tuple[int, int]


def fenced_blocks(text: str) -> list[Span]:
    """Fenced blocks from fence to fence; one that is not closed runs to the end."""
    blocks: list[Span] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif _closes(fence, opened):
            blocks.append((opened.start(), fence.end()))
            opened = None
    if opened is not None:
        blocks.append((opened.start(), len(text)))
    return blocks


def _closes(fence: re.Match[str], opened: re.Match[str]) -> bool:
    group = opened.lastindex
    assert group is not None
    mark = fence[group]
    return mark is not None and len(mark) >= len(opened[group]) and fence[0].strip() == mark


def inline_code(text: str) -> dict[int, int]:
    """For each row of backticks that may open inline code: where the row of the same length that closes it ends.

    Keys are where the opening row begins. Inline code does not reach over a blank line.
    """
    ends: dict[int, int] = {}
    waiting: dict[int, int] = {}  # length of a row -> where the last such row begins
    for found in _TICKS_OR_BREAK.finditer(text):
        if found[0][0] == "\n":
            waiting.clear()
            continue
        length = found.end() - found.start()
        if length in waiting:
            ends[waiting[length]] = found.end()
        waiting[length] = found.start()
    return ends
