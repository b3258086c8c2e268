"""Standard streams that whoever started us has closed (`<&-`, `>&-`)."""

import os
import sys


def open_missing_streams() -> None:
    """Put a file on each of the three descriptors, so that no file of ours is taken for one of them.

    Input is empty, notes go nowhere, and whatever is written to standard output fails, as it does for cat(1).
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(_open(0, os.O_RDONLY), "r", encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(_open(1, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(_open(2, os.O_WRONLY), "w", encoding="utf-8")


def _open(descriptor: int, flags: int) -> int:
    opened = os.open(os.devnull, flags)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
    return descriptor
