"""Markdown on a terminal, whole or while it grows. Knows what of a growing text is settled."""

import os
import re
import time
from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from rich.console import Group
from rich.markdown import Heading, Markdown
from rich.segment import Segment
from rich.text import Text

from nexxi_cli.cli.region import Region, reflows
from nexxi_cli.cli.render import without_controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult

FRAME_S = 1 / 20

# a reply's tags, placeholders such as <EMAIL> among them, are text to be read: nothing here is HTML
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").enable("table").disable("html_block")

_UNDECIDED = re.compile(r" {0,3}[0-9]{1,9}[.)]?")  # a paragraph so far, but maybe the next item of the list above it


class _LeftHeading(Heading):
    """A heading of any level, at the left."""

    LEVEL_ALIGN: ClassVar["dict[str, JustifyMethod]"] = {}


class ReplyMarkdown(Markdown):
    """Rich's Markdown in the terminal's own colours: tags as they are, links spelt out, headings at the left."""

    elements: ClassVar = {**Markdown.elements, "heading_open": _LeftHeading}

    def __init__(self, text: str) -> None:
        super().__init__(text, code_theme="ansi_dark", hyperlinks=False)  # no background: it would fill each line
        self.parsed = _PARSER.parse(text)


class Compact:
    """Markdown without empty lines around it and blanks behind its lines, as Rich has them round some blocks.

    They would become lines of their own when the terminal is made narrower.
    """

    def __init__(self, text: str) -> None:
        self._markdown = ReplyMarkdown(text)

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        lines = [_trimmed(line) for line in console.render_lines(self._markdown, options, pad=False)]
        while lines and not lines[0]:
            del lines[0]
        while lines and not lines[-1]:
            del lines[-1]
        for line in lines:
            yield from line
            yield Segment.line()


class MarkdownPrinter:
    """Renders Markdown while it grows: blocks that can no longer change are printed for good, the last one is redrawn.

    Of a block that is taller than the screen, the end is seen while it grows, and the whole once it is settled.
    """

    def __init__(self, console: "Console", *, frame_s: float = FRAME_S) -> None:
        """`frame_s`: the shortest time between two redraws."""
        self._region = Region(console, reflows=reflows(os.environ))
        self._frame_s = frame_s
        self._text = ""  # what is not settled yet
        self._printed_any = False
        self._drawn_at = 0.0

    def wait(self) -> None:
        """Show that a reply is on its way."""
        self._region.replace(moving=Text("…", style="dim"))

    def write(self, text: str) -> None:
        """Take the next piece and redraw, if the last time is `frame_s` ago."""
        self._text += without_controls(text)
        now = time.monotonic()
        if now - self._drawn_at < self._frame_s or not self._text.strip():
            return
        self._drawn_at = now
        settled = settled_chars(self._text)
        block = self._block(self._text[:settled]) if settled else None
        self._text = self._text[settled:]
        self._region.replace(settled=block, moving=self._below(self._text))

    def end(self) -> None:
        """Replace the moving part by its final form."""
        self._region.replace(settled=self._block(self._text) if self._text.strip() else None)
        self._text = ""

    def _block(self, text: str) -> "RenderableType":
        block = self._below(text)
        self._printed_any = True
        return block

    def _below(self, text: str) -> "RenderableType":
        """`text`, an empty line under what was printed before."""
        return Group("", Compact(text)) if self._printed_any else Compact(text)


def settled_chars(text: str) -> int:
    """Length of the leading blocks that more text cannot change: all but the last top-level block."""
    lines = text.split("\n")
    if _UNDECIDED.fullmatch(lines[-1]):
        lines.pop()
    starts = [token.map[0] for token in _PARSER.parse("\n".join(lines)) if token.level == 0 and token.map]
    return sum(len(line) + 1 for line in lines[: starts[-1]]) if starts else 0


def _trimmed(line: "Sequence[Segment]") -> "list[Segment]":
    """The line without blanks at its end, unless they are coloured."""
    kept = list(line)
    while kept and (kept[-1].style is None or kept[-1].style.bgcolor is None):
        text = kept[-1].text.rstrip()
        if text:
            kept[-1] = Segment(text, kept[-1].style)
            break
        del kept[-1]
    return kept
