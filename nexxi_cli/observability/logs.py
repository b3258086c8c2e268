"""Events as log lines, over Loguru. A line is the event's name and its fields."""

import sys
from dataclasses import asdict
from typing import TextIO

from loguru import logger

from nexxi_cli.core.events import Event

FORMAT = "{time:HH:mm:ss.SSS} {level: <7} {message} {extra}"


def log_to(sink: TextIO | None = None, *, level: str) -> None:
    """Send log lines of `level` and above to `sink` (standard error), and nowhere else."""
    logger.remove()
    logger.add(sink or sys.stderr, level=level, format=FORMAT, diagnose=False)


class LogObserver:
    """Writes each event as one line."""

    def notify(self, event: Event) -> None:
        """Log `event` at level INFO."""
        logger.bind(**asdict(event)).info(type(event).__name__)
