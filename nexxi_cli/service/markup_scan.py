"""Finds what is written as HTML in a text, outside of its code; says nothing yet of whether it is meant as markup.

Each place is looked at for a bounded stretch, so the whole is linear in the text, whatever the text.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from nexxi_cli.service.code_spans import Span, fenced_blocks, inline_code
from nexxi_cli.service.markup_names import BOOLEAN_ATTRIBUTES, ELEMENTS, RAW

MAX_ANGLES = 8
"""A tag may hold so many `<` in its attributes; more makes it text."""

_INTERESTING = re.compile(r"`+|<[A-Za-z/!]")
# HTML Living Standard 13.2.5, tokenization, without the states that only serve broken pages
_ATTRIBUTE = r"""(?:[\s/]++|(?<=["']))([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>][^\s>]*+))?+"""
_TAG = re.compile(rf"<(/?)([A-Za-z][A-Za-z0-9]*+)((?:{_ATTRIBUTE})*+)[\s/]*+>")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_DOCTYPE = re.compile(r"<!doctype\b[^<>]{0,500}>", re.IGNORECASE)
_UNSEEN_STYLE = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|(?:opacity|font-size)\s*:\s*0(?:px|pt|em|%)?\s*(?:[;!\"']|$))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an HTML element, or (`name` is "") something that is markup beyond doubt: a comment, a script."""

    start: int
    end: int
    name: str
    rule: str
    closing: bool = False
    bare: bool = True
    unseen: bool = False
    self_closing: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """What one reading of a text found; both in order."""

    tags: tuple[Tag, ...]
    code: tuple[Span, ...]


def scan(text: str) -> Scan:
    """Tags and code of `text`. Where one begins inside the other, the one that began first holds."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._angles = [found.start() for found in re.finditer("<", text)]
        self._last_comment_end = text.rfind("-->")
        self._endless: set[str] = set()  # raw elements that no end tag follows any more

    def scan(self) -> Scan:
        tags: list[Tag] = []
        code: list[Span] = []
        for part in self._parts():
            if isinstance(part, Tag):
                tags.append(part)
            else:
                code.append(part)
        return Scan(tuple(tags), tuple(code))

    def _parts(self) -> Iterator[Tag | Span]:
        inline_ends = inline_code(self._text)
        blocks = iter(fenced_blocks(self._text))
        block = next(blocks, None)
        at = 0
        while found := _INTERESTING.search(self._text, at):
            at = found.start()
            while block is not None and block[1] <= at:
                block = next(blocks, None)
            if block is not None and block[0] <= at:
                yield block
                at = block[1]
            elif found[0][0] == "`":
                end = inline_ends.get(at)
                if end is not None:
                    yield at, end
                at = end or found.end()
            else:
                tag = self._tag(at)
                if tag is not None:
                    yield tag
                at = tag.end if tag is not None else at + 1

    def _tag(self, at: int) -> Tag | None:
        if self._text.startswith("<!", at):
            return self._declaration(at)
        beyond = bisect_right(self._angles, at) + MAX_ANGLES
        limit = self._angles[beyond] if beyond < len(self._angles) else len(self._text)
        found = _TAG.match(self._text, at, limit)
        if found is None or (name := found[2].lower()) not in ELEMENTS:
            return None
        attributes = {attribute[1].lower(): attribute[2] for attribute in _ATTRIBUTES.finditer(found[3])}
        if any(value is None and key not in BOOLEAN_ATTRIBUTES for key, value in attributes.items()):
            return None  # `a <b and c> d`
        closing = bool(found[1])
        if name in RAW and not closing and (end := self._raw_end(name, found.end())) is not None:
            return Tag(at, end, "", f"html.{name}")
        unseen = "hidden" in attributes or bool(_UNSEEN_STYLE.search(attributes.get("style") or ""))
        return Tag(
            start=at,
            end=found.end(),
            name=name,
            rule="html.tag",
            closing=closing,
            bare=not attributes,
            unseen=unseen,
            self_closing=found[0].endswith("/>"),
        )

    def _declaration(self, at: int) -> Tag | None:
        if self._text.startswith("<!--", at):
            if at + 2 > self._last_comment_end:
                return None
            return Tag(at, self._text.index("-->", at + 2) + 3, "", "html.comment")
        found = _DOCTYPE.match(self._text, at)
        return Tag(at, found.end(), "", "html.doctype") if found else None

    def _raw_end(self, name: str, at: int) -> int | None:
        """Where the end tag of a raw element ends."""
        if name in self._endless:
            return None
        found = re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE).search(self._text, at)
        if found is None:
            self._endless.add(name)
            return None
        return found.end()
