"""Observers in a group all hear everything, whatever becomes of one of them."""

import io

from nexxi_cli.core.events import Event, TurnKept
from nexxi_cli.observability.group import ObserverGroup
from nexxi_cli.observability.logs import flush_logs, log_to

KEPT = TurnKept(new_session=False)


class Listening:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


class Failing:
    """An observer with an error in it."""

    def notify(self, event: Event) -> None:
        raise ZeroDivisionError


def test_every_observer_hears_every_event_in_their_order() -> None:
    first, second = Listening(), Listening()
    group = ObserverGroup(first, second)
    group.notify(KEPT)
    group.notify(TurnKept(new_session=True))
    assert first.heard == second.heard == [KEPT, TurnKept(new_session=True)]


def test_an_observer_that_fails_is_logged_once_and_harms_nobody() -> None:
    sink, listening = io.StringIO(), Listening()
    log_to(sink, level="INFO")
    group = ObserverGroup(Failing(), listening)
    for _ in range(3):
        group.notify(KEPT)
    flush_logs()
    assert len(listening.heard) == 3
    assert sink.getvalue().count("Failing fails to take note of TurnKept") == 1
    assert "ZeroDivisionError" in sink.getvalue()
