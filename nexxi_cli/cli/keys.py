"""What happens to keys that are pressed while nobody reads them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_keys() -> Iterator[None]:
    """Keep what is typed for the next prompt, and off the screen, where it would damage what is drawn.

    Ctrl-C still interrupts. Enter stays a carriage return, as the prompt's raw mode expects it (termios(3)).
    """
    with _keys(held=True):
        yield


@contextmanager
def usual_keys() -> Iterator[None]:
    """Within `held_keys`: the keyboard as another program expects it, an editor for one."""
    with _keys(held=False):
        yield


@contextmanager
def _keys(*, held: bool) -> Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    input_flags, _, _, local_flags, *_ = before
    translated, edited = termios.ICRNL, termios.ECHO | termios.ICANON
    changed = termios.tcgetattr(descriptor)
    changed[0] = input_flags & ~translated if held else input_flags | translated
    changed[3] = local_flags & ~edited if held else local_flags | edited
    termios.tcsetattr(descriptor, termios.TCSANOW, changed)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
