"""What the user reads of a store that is down: a line once the reply has been printed."""

from uuid import uuid4

import pytest

from nexxi_cli.cli.outage import MOVED, SPOOLED, OutageNotes
from nexxi_cli.core.events import ArchiveUnread, Event, StoreDown, StoreUp, TurnSpooled


class Ears:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)


def shown(capsys: pytest.CaptureFixture[str], *events: Event, quiet: bool = False) -> list[str]:
    notes = OutageNotes(Ears(), quiet=quiet)
    for event in events:
        notes.notify(event)
    assert capsys.readouterr().err == ""
    notes.show()
    notes.show()
    return capsys.readouterr().err.splitlines()


def test_a_turn_that_is_kept_here_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, StoreDown("down"), TurnSpooled(uuid4()), TurnSpooled(uuid4())) == [SPOOLED]


def test_an_outage_without_a_turn_leaves_it_to_the_error_to_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, StoreDown("down"), StoreUp(1.0, 0, 0)) == []


def test_turns_that_came_late_are_not_worth_a_line_unless_they_went_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(capsys, StoreUp(1.0, 2, 0)) == []
    assert shown(capsys, StoreUp(1.0, 2, 1)) == [MOVED]


def test_what_is_missing_from_a_list_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, ArchiveUnread("the archive is down"), ArchiveUnread("the archive is down"))
    assert lines == ["sessions that have expired are not shown: the archive is down"]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, TurnSpooled(uuid4()), quiet=True) == []


def test_events_are_passed_on() -> None:
    ears, event = Ears(), StoreDown("down")
    OutageNotes(ears, quiet=True).notify(event)
    assert ears.events == [event]
