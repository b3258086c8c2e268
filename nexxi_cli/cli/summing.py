"""What the user sees while older turns are summed up: one dim line on a terminal, gone when the reply begins."""

import os
import sys

from nexxi_cli.cli.render import dim, note
from nexxi_cli.core.events import Event, SummaryEnded, SummaryStarted
from nexxi_cli.core.ports import Observer

ERASED = "\r\x1b[K"  # back to the beginning of the line, which is cleared: ECMA-48, EL


class SummaryLine:
    """An observer that passes events on and shows the line. On a terminal that cannot erase it, it stays."""

    def __init__(self, observer: Observer, *, quiet: bool) -> None:
        self._observer = observer
        self._shows = not quiet and sys.stderr.isatty()
        self._erases = os.environ.get("TERM") not in (None, "", "dumb", "unknown")

    def notify(self, event: Event) -> None:
        """Show the line, or take it away."""
        self._observer.notify(event)
        if not self._shows:
            return
        if isinstance(event, SummaryStarted):
            line = f"summing up {event.turns} older turn{'' if event.turns == 1 else 's'} ..."
            if self._erases:
                sys.stderr.write(dim(line))
                sys.stderr.flush()
            else:
                note(line)
        elif isinstance(event, SummaryEnded) and self._erases:
            sys.stderr.write(ERASED)
            sys.stderr.flush()
