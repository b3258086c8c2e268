"""Keys that are pressed while nobody reads them."""

import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest

from nexxi_cli.cli.keys import held_keys, usual_keys


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The user's end of a terminal that is standard input."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield ours
    os.close(ours)


def test_held_keys_are_not_echoed_and_enter_stays_a_carriage_return(keyboard: int) -> None:
    os.set_blocking(keyboard, False)
    with held_keys():
        os.write(keyboard, b"typed\r")
        assert os.read(sys.stdin.fileno(), 100) == b"typed\r"
        with pytest.raises(BlockingIOError):
            os.read(keyboard, 100)


def test_the_terminal_is_afterwards_as_it_was(keyboard: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with pytest.raises(KeyboardInterrupt), held_keys():
        raise KeyboardInterrupt
    assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_another_program_gets_the_keyboard_as_it_was(keyboard: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with held_keys(), usual_keys():
        assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_without_a_terminal_nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, encoding="utf-8") as empty:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdin", empty)
        with held_keys():
            assert sys.stdin.read() == ""
