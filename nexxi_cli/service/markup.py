"""Takes HTML out of chat text, and nothing else: no code, no maths, no <placeholder>, no `List<Object>`.

A tag counts as markup when it is one of an HTML element outside of Markdown code, and is used like one: it has
attributes, or its end tag follows, or it needs none. So `What does <b> do?` keeps its tag. Entities are decoded only
in a text that had markup.
"""

import re
from collections.abc import Iterator, Sequence, Set
from html import unescape

from nexxi_cli.core.types import Finding
from nexxi_cli.service.edits import Edit, Edited
from nexxi_cli.service.markup_names import BLOCKS, BREAKS, CELLS, OPTIONAL_END, RAW, UNSHOWN, VOID
from nexxi_cli.service.markup_scan import Tag, scan

MAX_PASSES = 5
"""Tags inside tags (`<<b>b>x</<b>/b>`) leave tags behind; after so many readings what is left is text."""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_WORD = re.compile(r"[^\W_]")


class Stripped:
    """A text without its markup, and the way back. Without markup, `text` is the text itself."""

    def __init__(self, text: str, layers: Sequence[Edited] = (), findings: Sequence[Finding] = ()) -> None:
        self._layers = layers
        self.text = layers[-1].text if layers else text
        self.findings = tuple(findings)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that characters start to end (exclusive) of `text` stand for."""
        for layer in reversed(self._layers):
            start, end = layer.original(start, end)
        return start, end


def strip_markup(text: str) -> Stripped:
    """`text` without tags, comments, scripts, styles and hidden elements. Linear in len(text)."""
    stripped = Stripped(text)
    if "<" not in text:
        return stripped
    layers: list[Edited] = []
    findings: list[Finding] = []
    for _ in range(MAX_PASSES):
        removed = list(_markup(stripped.text, scan(stripped.text).tags))
        if not removed:
            break
        for tag in removed:
            start, end = stripped.original(tag.start, tag.end)
            findings.append(Finding(start, end, "HTML", 1.0, tag.rule))
        layers.append(Edited(stripped.text, _removals(stripped.text, removed)))
        stripped = Stripped(text, layers)
    if layers:
        layers.append(Edited(stripped.text, _decoded_entities(stripped.text)))
    return Stripped(text, layers, findings)


def _markup(text: str, tags: Sequence[Tag]) -> Iterator[Tag]:
    """The tags that are meant as markup; a hidden element is one tag, with all that it holds."""
    last_end = {tag.name: at for at, tag in enumerate(tags) if tag.closing}
    opened: set[str] = set()
    at = 0
    while at < len(tags):
        tag = tags[at]
        closed = last_end.get(tag.name, -1) > at
        counts = tag.name in opened if tag.closing else _is_used(text, tag, opened, closed=closed)
        if counts and not tag.closing:
            opened.add(tag.name)
        if counts and closed and not tag.closing and (tag.unseen or tag.name in UNSHOWN) and tag.name not in VOID:
            at = _end_of_element(tags, at, last_end[tag.name])
            yield Tag(tag.start, tags[at].end, tag.name, "html.hidden")
        elif counts:
            yield tag
        at += 1


def _is_used(text: str, tag: Tag, opened: Set[str], *, closed: bool) -> bool:
    if not tag.name or not tag.bare or tag.self_closing or tag.name in BREAKS:
        return True
    if tag.name in VOID:
        return False
    if tag.name in OPTIONAL_END | RAW and not closed:  # `<li>one`, but neither `the <p> tag` nor `List<Td>`
        glued = bool(tag.start) and text[tag.start - 1].isalnum()
        return bool(_WORD.match(text, tag.end)) and (not glued or tag.name in opened)
    return closed


def _end_of_element(tags: Sequence[Tag], at: int, last: int) -> int:
    """Index of the end tag that closes the element which tags[at] opens; `last` is the last of its name."""
    depth = 0
    for index in range(at, last):
        if tags[index].name == tags[at].name:
            depth += -1 if tags[index].closing else 1
            if not depth:
                return index
    return last


def _removals(text: str, tags: Sequence[Tag]) -> Iterator[Edit]:
    """One edit for each row of tags; words that a block or a cell kept apart stay apart."""
    rows: list[list[Tag]] = []
    for tag in tags:
        if rows and rows[-1][-1].end == tag.start:
            rows[-1].append(tag)
        else:
            rows.append([tag])
    for row in rows:
        start, end = row[0].start, row[-1].end
        yield Edit(start, end, _gap({tag.name for tag in row}, text[start - 1 : start], text[end : end + 1]))


def _gap(names: set[str], before: str, after: str) -> str:
    if not before or not after:
        return ""
    if names & BLOCKS and "\n" not in (before, after):
        return "\n"
    if names & CELLS and not (before.isspace() or after.isspace()):
        return " "
    return ""


def _decoded_entities(text: str) -> Iterator[Edit]:
    code = iter((*scan(text).code, (len(text), len(text))))
    shown = next(code)
    for found in _ENTITY.finditer(text):
        while shown[1] <= found.start():
            shown = next(code)
        if found.start() < shown[0] and (plain := unescape(found[0])) != found[0]:
            yield Edit(found.start(), found.end(), plain)
