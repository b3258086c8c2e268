"""A terminal's screen for what is drawn in this process: pyte behind a Rich console."""

import io

import pyte
from rich.console import Console


class Screen:
    """Shows what is written to its console, and what of it has scrolled away."""

    def __init__(self, *, columns: int = 60, rows: int = 20, reflows: bool = False) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self._screen.set_mode(pyte.modes.LNM)  # what the line discipline does to a newline
        self._stream = pyte.Stream(self._screen)
        self._file = _Into(self._stream)
        self.console = Console(
            file=self._file,
            force_terminal=True,
            color_system="truecolor",
            width=columns,
            height=rows,
            highlight=False,
            legacy_windows=False,
            _environ={},
        )

    @property
    def writes(self) -> int:
        return self._file.writes

    @property
    def lines(self) -> list[str]:
        """From the first line ever written to the last that is not empty, without blanks at the ends."""
        width = self._screen.columns
        scrolled = ["".join(line[column].data for column in range(width)) for line in self._screen.history.top]
        lines = [line.rstrip() for line in (*scrolled, *self._screen.display)]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def resize(self, *, columns: int, rows: int) -> None:
        """As a terminal that cuts lines off and does not break them anew."""
        self._screen.resize(rows, columns)
        self.console.size = (columns, rows)  # type: ignore[assignment]


class _Into(io.StringIO):
    def __init__(self, stream: pyte.Stream) -> None:
        super().__init__()
        self._stream = stream
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += bool(text)
        self._stream.feed(text)
        return len(text)
