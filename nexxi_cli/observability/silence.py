"""Observers for those who want to hear nothing; they load no library."""

from nexxi_cli.core.events import Event


class SilentObserver:
    """Hears everything and says nothing."""

    def notify(self, event: Event) -> None:
        """Ignore `event`."""


class NoProgress:
    """Shows nothing."""

    def step(self, label: str, total: int | None) -> None:
        """Ignore it."""

    def advance(self, amount: int) -> None:
        """Ignore it."""

    def done(self) -> None:
        """Ignore it."""


SILENT = SilentObserver()
NO_PROGRESS = NoProgress()
