"""The line that a user sees while older turns are summed up: on a terminal, dim, and gone when the reply begins."""

import io
import sys

import pytest

from nexxi_cli.cli.summing import SummaryLine
from nexxi_cli.core.events import Event, SummaryEnded, SummaryStarted
from nexxi_cli.observability.silence import SILENT
from tests.cli.screen import Screen
from tests.infrastructure.stores.spooled import Ears

STARTED, ENDED = SummaryStarted("", 41), SummaryEnded("")


class Stderr(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def written(
    monkeypatch: pytest.MonkeyPatch,
    *events: Event,
    terminal: bool = True,
    quiet: bool = False,
    term: str = "xterm-256color",
    no_color: str = "",
) -> str:
    stderr = Stderr(is_terminal=terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)
    line = SummaryLine(SILENT, quiet=quiet)
    for event in events:
        line.notify(event)
    return stderr.getvalue()


def test_the_line_says_how_much_is_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, STARTED) == "\x1b[2msumming up 41 older turns ...\x1b[0m"
    assert "summing up 1 older turn ..." in written(monkeypatch, SummaryStarted("", 1))


def test_nothing_of_it_is_left_when_the_reply_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    screen.console.file.write(written(monkeypatch, STARTED, ENDED, STARTED, ENDED))
    assert screen.lines == []


def test_without_colour_it_is_plain_and_still_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, STARTED, ENDED, no_color="1") == "summing up 41 older turns ...\r\x1b[K"


def test_a_terminal_that_cannot_erase_keeps_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, STARTED, ENDED, term="dumb") == "summing up 41 older turns ...\n"


@pytest.mark.parametrize("silence", [{"quiet": True}, {"terminal": False}], ids=["quiet", "no terminal"])
def test_nothing_is_shown_to_who_does_not_want_it_or_does_not_look(
    monkeypatch: pytest.MonkeyPatch, silence: dict[str, bool]
) -> None:
    assert written(monkeypatch, STARTED, ENDED, **silence) == ""  # type: ignore[arg-type]


def test_events_are_passed_on() -> None:
    ears = Ears()
    line = SummaryLine(ears, quiet=True)
    line.notify(STARTED)
    line.notify(ENDED)
    assert ears.events == [STARTED, ENDED]
