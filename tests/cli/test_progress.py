"""Progress of long steps, with and without a terminal."""

import os
import pty
import sys
from contextlib import suppress

import pytest

from nexxi_cli.cli.progress import TerminalProgress


def test_without_a_terminal_a_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress()
    progress.step("downloading", 10)
    progress.advance(5)
    progress.step("converting", None)
    progress.done()
    assert capsys.readouterr() == ("", "downloading\nconverting\n")


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress(quiet=True)
    progress.step("downloading", 10)
    progress.advance(5)
    progress.done()
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_there_is_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        progress = TerminalProgress()
        progress.step("downloading", 10)
        progress.advance(5)
        progress.step("converting", 3)
        progress.done()
        terminal.flush()
        os.set_blocking(ours, False)
        shown = b""
        with suppress(BlockingIOError):
            while True:
                shown += os.read(ours, 1 << 16)
    os.close(ours)
    assert b"converting" in shown
    assert shown.rstrip().endswith(b"\x1b[2K")
