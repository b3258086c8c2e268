"""Notes for the archive that nobody waits for."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from nexxi_cli.core.archived import ArchiveEntry, SessionDeleted
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.core.events import ArchiveDown, ArchiveUp, Event
from nexxi_cli.infrastructure.archive.behind import LogBehind


class Shelf:
    """A log that takes its time, or refuses."""

    def __init__(self) -> None:
        self.taken: list[ArchiveEntry] = []
        self.is_full = False
        self.slow_s = 0.0

    async def put(self, entries: Sequence[ArchiveEntry]) -> None:
        await asyncio.sleep(self.slow_s)
        if self.is_full:
            raise ArchiveUnavailable("the disk is full")
        self.taken += entries


class Ears:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)


def notes(count: int) -> list[ArchiveEntry]:
    return [SessionDeleted(uuid4(), uuid4()) for _ in range(count)]


async def test_a_put_returns_before_the_log_has_it_and_the_end_waits() -> None:
    shelf, told = Shelf(), notes(20)
    shelf.slow_s = 0.005
    async with LogBehind(shelf, Ears()) as behind:
        for note in told:
            await behind.put([note])
        assert shelf.taken == []
    assert shelf.taken == told


async def test_while_the_log_refuses_all_waits_in_its_order_and_is_told_once() -> None:
    shelf, ears, told = Shelf(), Ears(), notes(3)
    shelf.is_full = True
    async with LogBehind(shelf, ears, retry_s=0.01) as behind:
        for note in told:
            await behind.put([note])
        await asyncio.sleep(0.05)
        shelf.is_full = False
    assert shelf.taken == told
    assert [type(event) for event in ears.events] == [ArchiveDown, ArchiveUp]


async def test_what_is_too_much_is_refused() -> None:
    shelf = Shelf()
    shelf.is_full = True
    async with LogBehind(shelf, Ears(), most_waiting=2, close_s=0.05) as behind:
        await behind.put(notes(1))
        await behind.put(notes(1))
        with pytest.raises(ArchiveUnavailable, match="2 notes wait"):
            await behind.put(notes(1))
