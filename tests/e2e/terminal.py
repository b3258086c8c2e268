"""A real terminal with the real program in it: pexpect holds the pseudo-terminal, pyte is the screen."""

import os
import re
import sys
import time
from collections.abc import Callable, Mapping

import pexpect
import pyte

KEYS = {
    "enter": "\r",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-e": "\x05",
    "ctrl-r": "\x12",
    "ctrl-x": "\x18",
}
PATIENCE_S = 60.0
_READ_S = 0.05


class Terminal:
    """Types into a program and looks at what its screen shows. `output` is all that it wrote."""

    def __init__(
        self, *command: str, columns: int = 100, rows: int = 30, environ: Mapping[str, str] | None = None
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self.output = b""
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "nexxi_cli", *command],
            dimensions=(rows, columns),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})},
            timeout=PATIENCE_S,
        )
        self._child.delaybeforesend = None

    @property
    def lines(self) -> list[str]:
        """What is on the screen and what has scrolled out of it, without blanks at line ends."""
        width = self._screen.columns
        scrolled = ["".join(line[column].data for column in range(width)) for line in self._screen.history.top]
        return [line.rstrip() for line in (*scrolled, *self._screen.display)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def type(self, text: str) -> "Terminal":
        self._child.send(text)
        return self

    def paste(self, text: str) -> "Terminal":
        """As a terminal pastes (xterm control sequences, bracketed paste mode)."""
        return self.type(f"\x1b[200~{text}\x1b[201~")

    def press(self, *keys: str) -> "Terminal":
        for key in keys:
            self.type(KEYS[key])
        return self

    def forget(self) -> "Terminal":
        """Clear the screen and what has scrolled out of it, but for the line of the cursor."""
        self.settle(0.1)
        self._screen.history.top.clear()
        for row in range(self._screen.cursor.y):
            self._screen.buffer[row].clear()
        return self

    def say(self, line: str) -> "Terminal":
        """Type a line, and Enter once it is there."""
        self.type(line).wait_until(lambda: line in self._screen.display[self._screen.cursor.y], f"echo of {line!r}")
        return self.press("enter")

    def resize(self, *, columns: int) -> "Terminal":
        """Make it wider or narrower; lines that are too long then are cut off, not broken anew."""
        self._screen.resize(columns=columns)
        self._child.setwinsize(self._screen.lines, columns)
        return self

    def wait_for(self, pattern: str, *, patience_s: float = PATIENCE_S) -> "Terminal":
        """Until the regular expression is found in the text. Fails when that takes too long."""
        return self.wait_until(lambda: re.search(pattern, self.text) is not None, repr(pattern), patience_s=patience_s)

    def wait_until(self, done: Callable[[], bool], what: str, *, patience_s: float = PATIENCE_S) -> "Terminal":
        deadline = time.monotonic() + patience_s
        while not done():
            assert time.monotonic() < deadline, f"no {what} within {patience_s} s:\n{self.text}"
            assert self._read() or done(), f"the program ended before {what}:\n{self.text}"
        return self

    def prompt_is_back(self, *, patience_s: float = PATIENCE_S) -> "Terminal":
        """Until the last prompt is empty and waits, the status bar under it."""
        return self.wait_until(self._prompts, "empty prompt", patience_s=patience_s)

    def settle(self, seconds: float = 0.3) -> "Terminal":
        """Take in what comes within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._read():
            pass
        return self

    def exit_code(self, *, patience_s: float = PATIENCE_S) -> int:
        """Wait for the program to end."""
        self.wait_until(lambda: not self._child.isalive(), "end", patience_s=patience_s)
        while self._read():
            pass
        self._child.close()
        return self._child.exitstatus if self._child.exitstatus is not None else -self._child.signalstatus

    def _prompts(self) -> bool:
        row = self._screen.display[self._screen.cursor.y].rstrip()
        return row == ">>>" and self._screen.cursor.x == len(">>> ")

    def _read(self) -> bool:
        """Take in what is there; False once the program has gone."""
        try:
            piece = self._child.read_nonblocking(1 << 16, timeout=_READ_S)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.output += piece
        self._stream.feed(piece)
        if b"\x1b[6n" in piece:  # prompt-toolkit asks where the cursor is, and a terminal answers
            self.type(f"\x1b[{self._screen.cursor.y + 1};{self._screen.cursor.x + 1}R")
        return True
