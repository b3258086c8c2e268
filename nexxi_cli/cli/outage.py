"""What the user is told of a store, archive or engine that is not there: one line, once the reply has been printed."""

from nexxi_cli.cli.render import note
from nexxi_cli.core.events import ArchiveUnread, EngineNotShared, Event, StoreUp, TurnSpooled
from nexxi_cli.core.ports import Observer

SPOOLED = "Redis is down: the turn is kept on this machine and will be written when it is back"
MOVED = "a turn that waited for Redis went to another session: its own was deleted, or its name taken, meanwhile"


class OutageNotes:
    """An observer that passes events on and keeps what they mean for the user until it may be shown."""

    def __init__(self, observer: Observer, *, quiet: bool) -> None:
        self._observer = observer
        self._quiet = quiet
        self._lines: list[str] = []

    def notify(self, event: Event) -> None:
        """Take note of `event`."""
        self._observer.notify(event)
        if isinstance(event, TurnSpooled):
            self._lines.append(SPOOLED)
        elif isinstance(event, StoreUp) and event.moved_turns:
            self._lines.append(MOVED)
        elif isinstance(event, ArchiveUnread):
            self._lines.append(f"sessions that have expired are not shown: {event.reason}")
        elif isinstance(event, EngineNotShared):
            self._lines.append(f"the model does not stay loaded: {event.reason}")

    def show(self) -> None:
        """Print what there is to say, each once."""
        for line in dict.fromkeys(self._lines):
            note(line, quiet=self._quiet)
        self._lines.clear()


def show_outage(observer: Observer) -> None:
    """Print what `observer` has gathered, if it is one that gathers."""
    if isinstance(observer, OutageNotes):
        observer.show()
