"""The archive hears of every change, and has what the store has lost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nexxi_cli.core.archived import SessionDeleted, SessionRenamed, SessionTruncated, SystemReplaced
from nexxi_cli.core.errors import ArchiveUnavailable, NotFound, UsageError
from nexxi_cli.core.events import ArchiveUnread, Event, SummaryEnded, SummaryStarted
from nexxi_cli.core.types import Cost, Message, Session, Summary, Timing, Usage
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.contracts.sessions import a_session, at
from tests.service.archived import Log, ShelfArchive
from tests.service.conversing import NOON, ManualClock, WordBackend, a_request, say, texts

COST = Cost(Usage(7, 3), Timing(0.5, 1.5), ("EMAIL",))


class Ears:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def archive() -> ShelfArchive:
    return ShelfArchive()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
    opened = SqliteSessionStore(tmp_path / "sessions.db")
    yield opened
    await opened.aclose()


@pytest.fixture
def conversations(store: SqliteSessionStore, log: Log, archive: ShelfArchive) -> ConversationManager:
    return ConversationManager(store, log=log, archive=archive, clock=ManualClock())


def expired(*, name: str | None = "old", minute: float = 0) -> Session:
    """A session that the store does not have."""
    session = a_session(name=name, system="Be brief.", minute=minute)
    return replace(session, messages=(*session.messages, Message("user", "one"), Message("assistant", "re: one")))


async def test_a_turn_is_told_with_its_place_and_its_cost(conversations: ConversationManager, log: Log) -> None:
    for question in ("one", "two"):
        async with conversations.turn(a_request("work"), text=question, backend=WordBackend()) as turn:
            turn.add(f"re: {question}")
            turn.spend(COST)
            turn.finish("stop")
    first, second = log.turns
    assert (first.number, second.number) == (1, 2)
    assert (second.question, second.answer, second.finish, second.model) == ("two", "re: two", "stop", "words")
    assert (second.name, second.title, second.owner) == ("work", "one", "ada")
    assert (second.prompt_tokens, second.completion_tokens, second.first_token_s, second.total_s) == (7, 3, 0.5, 1.5)
    assert second.finding_types == ("EMAIL",)
    assert first.turn_id != second.turn_id


async def test_a_turn_that_replaces_the_last_one_is_told_under_the_same_number(
    conversations: ConversationManager, log: Log
) -> None:
    for question in ("one", "two"):
        await say(conversations, a_request("work"), question)
    await say(conversations, replace(a_request("work"), replaces_last=True), "two", "again")
    assert log.entries == log.turns
    assert [(turn.number, turn.answer) for turn in log.turns] == [(1, "Because."), (2, "Because."), (2, "again")]


async def test_a_turn_that_is_not_saved_is_not_told(conversations: ConversationManager, log: Log) -> None:
    await say(conversations, a_request(save=False))
    assert log.entries == []


async def test_what_is_done_to_a_session_is_told(conversations: ConversationManager, log: Log) -> None:
    session_id = await say(conversations, a_request("work"))
    await say(conversations, a_request("work", system="Be kind."))
    await conversations.rename("ada", "work", "play")
    await conversations.undo("ada", "play")
    await conversations.delete("ada", "play")
    kinds = [type(entry) for entry in log.entries]
    assert kinds[1:2] + kinds[3:] == [SystemReplaced, SessionRenamed, SessionTruncated, SessionDeleted]
    assert {str(entry.session_id) for entry in log.entries} == {session_id}


async def test_an_expired_session_is_found_and_listed(
    conversations: ConversationManager, archive: ShelfArchive
) -> None:
    old = expired()
    archive.put(old)
    await say(conversations, a_request("work"))
    assert texts(await conversations.find("ada", "old")) == ["Be brief.", "one", "re: one"]
    assert (await conversations.find("ada", str(old.session_id)[:8])).session_id == old.session_id
    assert [info.name for info in await conversations.recent("ada", limit=9)] == ["work", "old"]
    assert [info.name for info in await conversations.recent("ada", limit=1, offset=1)] == ["old"]


async def test_a_session_is_listed_once_as_the_store_has_it(
    conversations: ConversationManager, archive: ShelfArchive
) -> None:
    await say(conversations, a_request("work"))
    session = await conversations.find("ada", "work")
    archive.put(replace(session, info=replace(session.info, name="stale")))
    assert [info.name for info in await conversations.recent("ada", limit=9)] == ["work"]


async def test_an_expired_session_goes_on(
    conversations: ConversationManager, archive: ShelfArchive, store: SqliteSessionStore, log: Log
) -> None:
    old = expired()
    archive.put(old)
    assert await say(conversations, a_request("old"), "two", "re: two") == str(old.session_id)
    assert [message.content for message in (await store.load(old.session_id) or old).messages][1:] == [
        "one",
        "re: one",
        "two",
        "re: two",
    ]
    assert log.turns[-1].number == 2


async def test_an_expired_session_whose_name_was_given_away_goes_on_without_it(
    conversations: ConversationManager, archive: ShelfArchive
) -> None:
    old = expired(name="work")
    archive.put(old)
    await say(conversations, a_request("work2"))
    await conversations.rename("ada", "work2", "work")
    assert await say(conversations, a_request(str(old.session_id))) == str(old.session_id)
    assert (await conversations.find("ada", str(old.session_id))).info.name is None


async def test_an_expired_session_can_be_renamed_and_deleted(
    conversations: ConversationManager, archive: ShelfArchive, log: Log
) -> None:
    archive.put(expired())
    await conversations.rename("ada", "old", "older")
    await conversations.delete("ada", "old")
    assert [type(entry) for entry in log.entries] == [SessionRenamed, SessionDeleted]


async def test_an_archive_that_is_down_keeps_nobody_from_talking(
    conversations: ConversationManager, archive: ShelfArchive
) -> None:
    archive.is_down = True
    await say(conversations, a_request("work"))
    await say(conversations, a_request("work"))
    await say(conversations, a_request())
    with pytest.raises(ArchiveUnavailable):
        await conversations.find("ada", "deadbeef")


async def test_an_archive_that_is_down_keeps_no_session_of_the_store_from_the_list(
    store: SqliteSessionStore, archive: ShelfArchive
) -> None:
    ears = Ears()
    conversations = ConversationManager(store, archive=archive, clock=ManualClock(), observer=ears)
    archive.put(expired())
    await say(conversations, a_request("work"))
    assert len(await conversations.recent("ada", limit=9)) == 2
    archive.is_down = True
    assert [info.name for info in await conversations.recent("ada", limit=9)] == ["work"]
    assert await conversations.recent("ada", limit=9, offset=1) == []
    assert ears.events[-2:] == [ArchiveUnread("down")] * 2


async def test_nobody_finds_another_owner_s_expired_session(
    conversations: ConversationManager, archive: ShelfArchive
) -> None:
    old = expired()
    archive.put(old)
    with pytest.raises(NotFound):
        await conversations.find("bob", str(old.session_id))


async def test_a_fork_begins_with_the_first_turns_and_leaves_the_original(
    conversations: ConversationManager, log: Log
) -> None:
    for question in ("one", "two", "three"):
        await say(conversations, a_request("work", system="Be brief."), question, f"re: {question}")
    forked = await conversations.fork("ada", "work", turn_count=2, name="other")
    assert texts(forked) == ["Be brief.", "one", "re: one", "two", "re: two"]
    assert (await conversations.find("ada", "other")).info.turn_count == 2
    assert (await conversations.find("ada", "work")).info.turn_count == 3
    assert [turn.number for turn in log.turns if turn.session_id == forked.session_id] == [1, 2]


@pytest.mark.parametrize("turn_count", [0, 2, -1])
async def test_a_fork_of_turns_that_are_not_there_is_refused(
    conversations: ConversationManager, turn_count: int
) -> None:
    await say(conversations, a_request("work"))
    with pytest.raises(UsageError, match=f"turns 1 to 1, not {turn_count}"):
        await conversations.fork("ada", "work", turn_count=turn_count, name=None)


async def test_a_fork_does_not_take_a_name_that_is_taken(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    with pytest.raises(UsageError, match="already called 'work'"):
        await conversations.fork("ada", "work", turn_count=None, name="work")


async def test_sessions_that_have_not_changed_for_long_are_purged(
    conversations: ConversationManager, store: SqliteSessionStore, log: Log
) -> None:
    for minute in range(5):
        await store.create(a_session(name=f"s{minute}", minute=minute))
    await store.create(a_session(owner="bob"))
    assert await conversations.purge("ada", before=at(3)) == 3
    assert [info.name for info in await conversations.recent("ada", limit=9)] == ["s4", "s3"]
    assert len(await conversations.recent("bob", limit=9)) == 1
    assert [type(entry) for entry in log.entries] == [SessionDeleted] * 3


async def test_what_no_longer_fits_is_summed_up_and_kept(store: SqliteSessionStore) -> None:
    ears = Ears()
    conversations = ConversationManager(store, strategy="summarise", clock=ManualClock(), observer=ears)
    backend = WordBackend(context_length=100)
    for number in range(12):
        async with conversations.turn(a_request("work", max_new_tokens=10), text="q " * 5, backend=backend) as turn:
            assert turn.dropped_turns == 0
            turn.add(f"a{number} " * 5)
            turn.finish("stop")
        if turn.summarised_turns:
            break
    session = await conversations.find("ada", "work")
    assert session.summary == Summary(turn.summarised_turns, "")
    assert session.info.turn_count > session.summary.turns
    heard = [event for event in ears.events if isinstance(event, SummaryStarted | SummaryEnded)]
    assert heard == [SummaryStarted("", session.summary.turns), SummaryEnded("")]


async def test_clocks_of_copies_are_those_of_the_copying(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    forked = await conversations.fork("ada", "work", turn_count=None, name=None)
    assert forked.info.created_at > NOON + timedelta(seconds=1)
