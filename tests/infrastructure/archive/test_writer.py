"""The writer drains the outbox behind everybody's back, and bears with an archive that is down."""

import asyncio
import time

import pytest

from nexxi_cli.core.events import ArchiveDown, ArchiveUp, Event
from nexxi_cli.infrastructure.archive.outbox import Outbox
from nexxi_cli.infrastructure.archive.writer import ArchiveWriter
from tests.contracts.archived import a_conversation, an_archived_turn, soon
from tests.infrastructure.archive.archives import MoodyArchive

RETRY_S = 0.02


class Listener:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


class Seconds:
    """A clock on which each look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def listener() -> Listener:
    return Listener()


def a_writer(outbox: Outbox, archive: MoodyArchive, listener: Listener) -> ArchiveWriter:
    return ArchiveWriter(outbox, archive, listener, first_retry_s=RETRY_S, close_s=0.3, clock=Seconds())


async def calls(archive: MoodyArchive, count: int) -> None:
    await soon(lambda: archive.calls >= count)


async def taken(archive: MoodyArchive, count: int) -> None:
    await soon(lambda: len(archive.taken) >= count)


async def test_what_an_earlier_process_left_is_moved_at_once(
    outbox: Outbox, archive: MoodyArchive, listener: Listener
) -> None:
    await outbox.put([an_archived_turn()])
    async with a_writer(outbox, archive, listener):
        await taken(archive, 1)
    assert listener.heard == []


async def test_what_is_put_in_is_moved(outbox: Outbox, archive: MoodyArchive, listener: Listener) -> None:
    conversation = a_conversation("one", "two", "three")
    async with a_writer(outbox, archive, listener) as writer:
        for count, turn in enumerate(conversation, start=1):
            await writer.put([turn])
            await taken(archive, count)
    assert archive.taken == conversation


async def test_a_writer_with_nothing_to_do_does_nothing(
    outbox: Outbox, archive: MoodyArchive, listener: Listener
) -> None:
    async with a_writer(outbox, archive, listener) as writer:
        await writer.put([an_archived_turn()])
        await taken(archive, 1)
        await asyncio.sleep(5 * RETRY_S)
        assert archive.calls == 1


async def test_an_outage_is_told_once_at_its_beginning_and_once_at_its_end(
    outbox: Outbox, archive: MoodyArchive, listener: Listener
) -> None:
    archive.down = True
    async with a_writer(outbox, archive, listener) as writer:
        await writer.put([an_archived_turn()])
        await calls(archive, 3)
        assert listener.heard == [ArchiveDown("the archive is down")]
        archive.down = False
        await taken(archive, 1)
        await asyncio.sleep(RETRY_S)
    assert listener.heard == [ArchiveDown("the archive is down"), ArchiveUp(1.0)]


async def test_the_second_outage_is_told_like_the_first(
    outbox: Outbox, archive: MoodyArchive, listener: Listener
) -> None:
    async with a_writer(outbox, archive, listener) as writer:
        for outage in (1, 2):
            archive.down = True
            await writer.put([an_archived_turn()])
            await calls(archive, archive.calls + 1)
            archive.down = False
            await taken(archive, outage)
            await asyncio.sleep(RETRY_S)
    assert [type(event) for event in listener.heard] == [ArchiveDown, ArchiveUp] * 2


async def test_each_retry_waits_twice_as_long(outbox: Outbox, archive: MoodyArchive, listener: Listener) -> None:
    archive.down = True
    async with a_writer(outbox, archive, listener) as writer:
        began = time.monotonic()
        await writer.put([an_archived_turn()])
        await calls(archive, 5)
        assert time.monotonic() - began >= (1 + 2 + 4 + 8) * RETRY_S


async def test_turns_that_come_during_an_outage_all_arrive_in_order(
    outbox: Outbox, archive: MoodyArchive, listener: Listener
) -> None:
    conversation = a_conversation(*(f"question {number}" for number in range(20)))
    archive.down = True
    async with a_writer(outbox, archive, listener) as writer:
        for turn in conversation:
            await writer.put([turn])
        archive.down = False
        await taken(archive, 20)
    assert list(dict.fromkeys(archive.taken)) == conversation  # the end may come between a batch and its leaving


async def test_closing_moves_what_is_left(outbox: Outbox, archive: MoodyArchive, listener: Listener) -> None:
    archive.down = True
    async with a_writer(outbox, archive, listener) as writer:
        await writer.put([an_archived_turn()])
        await calls(archive, 1)
        archive.down = False
    assert len(archive.taken) == 1


@pytest.mark.parametrize("mood", ["down", "stuck"])
async def test_closing_leaves_in_time_what_the_archive_does_not_take(
    outbox: Outbox, archive: MoodyArchive, listener: Listener, mood: str
) -> None:
    setattr(archive, mood, True)
    async with a_writer(outbox, archive, listener) as writer:
        await writer.put([an_archived_turn()])
        await calls(archive, 1)
        began = time.monotonic()
    assert time.monotonic() - began < 5.0
    assert (await outbox.count()).waiting == 1


async def test_who_is_cancelled_while_the_writer_closes_hears_of_it(
    outbox: Outbox, archive: MoodyArchive, listener: Listener
) -> None:
    archive.stuck = True
    await outbox.put([an_archived_turn()])
    writer = a_writer(outbox, archive, listener)

    async def open_and_close() -> None:
        async with writer:
            await calls(archive, 1)

    task = asyncio.create_task(open_and_close())
    await calls(archive, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
