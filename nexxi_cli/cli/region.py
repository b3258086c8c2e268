"""The lines at the bottom of a terminal that are redrawn while a reply grows. Knows cursors and widths, no Markdown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.segment import Segment

# https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036: terminals that do not know it ignore it
_BEGIN_SYNC, _END_SYNC = "\x1b[?2026h", "\x1b[?2026l"


class Region:
    """What was drawn last can be replaced, also after the terminal was resized.

    Each change is one write, and the terminal is asked to show it at once, so nothing flickers.
    """

    def __init__(self, console: "Console", *, reflows: bool) -> None:
        """`reflows`: whether the terminal breaks long lines anew when it becomes narrower."""
        self._console = console
        self._widths: list[int] = []  # cells of each line that is drawn; the cursor stands behind the last one
        self._reflows = reflows

    def replace(self, *, settled: "RenderableType | None" = None, moving: "RenderableType | None" = None) -> None:
        """Print `settled` for good in the place of what was drawn, and under it draw `moving`."""
        erase = self.erasure()
        with self._console.capture() as captured:
            if settled is not None:
                self._console.print(settled)
            lines = self._lines(moving) if moving is not None else []
            self._console.print(_Lines(lines), end="", crop=False)
        self._widths = [sum(segment.cell_length for segment in line) for line in lines]
        self._console.file.write(f"{_BEGIN_SYNC}{erase}{captured.get()}{_END_SYNC}")
        self._console.file.flush()

    def _lines(self, moving: "RenderableType") -> "list[list[Segment]]":
        """The last lines, at most half a screen: they still fit on it when it becomes half as wide."""
        lines = self._console.render_lines(moving, pad=False)
        return lines[-max(1, self._console.height // 2) :]

    def erasure(self) -> str:
        """What takes away all that is drawn, and leaves the cursor where that began."""
        if not self._widths:
            return ""
        width = self._console.width if self._reflows else max(self._widths) or 1
        rows = sum(max(1, -(-cells // width)) for cells in self._widths)
        # line by line from the last one up: terminals save what a whole screen shows when ED clears it
        return "\r\x1b[2K" + "\x1b[A\x1b[2K" * (rows - 1)


class _Lines:
    """Lines that are rendered already, without a line end after the last."""

    def __init__(self, lines: "list[list[Segment]]") -> None:
        self._lines = lines

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.segment import Segment

        for number, line in enumerate(self._lines):
            if number:
                yield Segment.line()
            yield from line


def reflows(environ: Mapping[str, str]) -> bool:
    """Whether this terminal breaks long lines anew when it becomes narrower: all but a few old ones do."""
    name = environ.get("TERM", "")
    old = name in ("linux", "xterm", "vt100", "vt220") and "VTE_VERSION" not in environ
    return not (old or "XTERM_VERSION" in environ or (name.startswith("screen") and "TMUX" not in environ))
