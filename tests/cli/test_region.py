"""The lines that are redrawn."""

import pytest
from rich.text import Text

from nexxi_cli.cli.region import Region, reflows
from tests.cli.screen import Screen


def test_what_was_drawn_is_replaced() -> None:
    screen = Screen()
    region = Region(screen.console, reflows=True)
    region.replace(moving=Text("one\ntwo\nthree"))
    region.replace(settled=Text("done"), moving=Text("four"))
    assert screen.lines == ["done", "four"]


def test_a_change_is_one_write() -> None:
    screen = Screen()
    region = Region(screen.console, reflows=True)
    region.replace(settled=Text("done"), moving=Text("one\ntwo"))
    region.replace(moving=Text("three"))
    assert screen.writes == 2


@pytest.mark.parametrize(
    ("breaks_lines", "ups"), [(True, 3), (False, 1)], ids=["lines are broken anew", "lines are cut off"]
)
def test_lines_that_a_narrower_terminal_broke_are_counted(*, breaks_lines: bool, ups: int) -> None:
    """Two lines of 60 cells are four rows of a terminal that is 30 wide now, unless it cuts them off."""
    screen = Screen(columns=60)
    region = Region(screen.console, reflows=breaks_lines)
    region.replace(moving=Text("x" * 60 + "\n" + "y" * 60))
    screen.console.size = (30, 20)  # type: ignore[assignment]
    assert region.erasure().count("\x1b[A") == ups


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-256color"}, "breaks"),
        ({"TERM": "tmux-256color", "TMUX": "1"}, "breaks"),
        ({"TERM": "screen", "TMUX": "1"}, "breaks"),
        ({"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(379)"}, "cuts"),
        ({"TERM": "screen"}, "cuts"),
        ({"TERM": "linux"}, "cuts"),
    ],
)
def test_old_terminals_cut_lines_off(environ: dict[str, str], expected: str) -> None:
    assert reflows(environ) == (expected == "breaks")
