"""What happens to keys that are pressed while nobody reads them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_keys() -> Iterator[None]:
    """Keep what is typed for the next prompt, and off the screen, where it would damage what is drawn.

    Ctrl-C still interrupts. Enter stays a carriage return, as the prompt's raw mode expects it (termios(3)).
    """
    if not sys.stdin.isatty():
        yield
        return
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    held = termios.tcgetattr(descriptor)
    held[0] &= ~termios.ICRNL
    held[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSANOW, held)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
