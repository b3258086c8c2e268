"""`nexxi chat --bench` as a person meets it: a real terminal, the real model."""

from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.model


@pytest.mark.parametrize("columns", [pytest.param(100, marks=pytest.mark.slow), 40])
def test_the_table_is_all_that_stays_on_the_screen(model_home: Path, columns: int) -> None:
    terminal = Terminal("chat", "--bench", columns=columns, environ={"NEXXI_THREADS": "1"})
    assert terminal.wait_for("measuring: a prompt").exit_code(patience_s=170) == 0
    heading, *rows = (line for line in terminal.lines if line)
    assert heading.split() == ["measured", "result"]
    assert [row[:11].strip() for row in rows] == [
        "model",
        "engine",
        "prompt",
        "first token",
        "one reply",
        "4 together",
        "memory",
    ]
    assert max(map(len, rows)) <= columns


def test_ctrl_c_ends_it_with_130_and_no_table(model_home: Path) -> None:
    terminal = Terminal("chat", "--bench").wait_for("measuring: a")
    assert terminal.press("ctrl-c").exit_code(patience_s=30) == 130
    assert "measured" not in terminal.text
    assert "Traceback" not in terminal.text
