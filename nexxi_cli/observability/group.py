"""Several observers as one."""

from loguru import logger

from nexxi_cli.core.events import Event
from nexxi_cli.core.ports import Observer


class ObserverGroup:
    """Passes each event on to every observer. One that fails harms neither the others nor whoever tells."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers
        self._failed: set[int] = set()

    def notify(self, event: Event) -> None:
        """Tell each of `event`; the first failure of an observer is logged."""
        for place, observer in enumerate(self._observers):
            try:
                observer.notify(event)
            except Exception:  # noqa: BLE001 - a surface: whoever notifies is in the middle of a request
                if place not in self._failed:
                    self._failed.add(place)
                    logger.exception("{} fails to take note of {}", type(observer).__name__, type(event).__name__)
