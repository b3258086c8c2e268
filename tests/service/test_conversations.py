"""Which session a message belongs to and whose it is, and what else is done with sessions.

What is kept of a turn: see test_conversations_turn.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.types import SessionInfo
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.service.conversing import ManualClock, WordBackend, a_request, say, texts

FIRST = UUID("11110001-0000-0000-0000-000000000000")
BAD_REFERENCES = ["../../x", "a b", "", ".hidden", "-x", "x" * 65, "naïve", "a\nb", "a/b", "\udcff"]


@pytest.fixture
def ids() -> Iterator[UUID]:
    """11110001-..., 11110002-..., and so on."""
    return (UUID(int=FIRST.int + (number << 96)) for number in range(1000))


@pytest.fixture
async def conversations(tmp_path: Path, ids: Iterator[UUID]) -> AsyncIterator[ConversationManager]:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    yield ConversationManager(store, default_system="Be kind.", clock=ManualClock(), new_id=lambda: next(ids))
    await store.aclose()


async def listed(conversations: ConversationManager, owner: str = "ada") -> list[SessionInfo]:
    return list(await conversations.recent(owner, limit=99))


async def test_without_a_choice_each_message_begins_a_session(conversations: ConversationManager) -> None:
    assert await say(conversations, a_request()) != await say(conversations, a_request())
    assert [info.turn_count for info in await listed(conversations)] == [1, 1]


async def test_the_last_session_is_the_one_that_changed_last(conversations: ConversationManager) -> None:
    first, _ = await say(conversations, a_request()), await say(conversations, a_request())
    await say(conversations, a_request(first))
    assert await say(conversations, a_request(last=True)) == first


async def test_without_a_last_session_a_new_one_begins(conversations: ConversationManager) -> None:
    await say(conversations, a_request(owner="bob"))
    session_id = await say(conversations, a_request(last=True))
    assert [str(info.session_id) for info in await listed(conversations)] == [session_id]


async def test_an_unknown_name_makes_a_session_of_this_name(conversations: ConversationManager) -> None:
    session_id = await say(conversations, a_request("work"))
    found = await conversations.find("ada", "work")
    assert (str(found.session_id), found.info.name) == (session_id, "work")


async def test_a_known_name_continues_its_session(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"), "one", "re: one")
    async with conversations.turn(a_request("work"), text="two", backend=WordBackend()) as turn:
        assert [message.content for message in turn.messages] == ["Be kind.", "one", "re: one", "two"]


@pytest.mark.parametrize("reference", [str(FIRST), FIRST.hex, "11110001", "11110001-00", "1111"])
async def test_an_id_or_its_beginning_continues_its_session(conversations: ConversationManager, reference: str) -> None:
    await say(conversations, a_request())
    assert await say(conversations, a_request(reference)) == str(FIRST)


@pytest.mark.parametrize("reference", ["11110009", str(FIRST), "deadbeef" * 5, "20260102"])
async def test_what_looks_like_an_id_makes_no_session(conversations: ConversationManager, reference: str) -> None:
    with pytest.raises(NotFound, match=reference):
        await say(conversations, a_request(reference))
    assert await listed(conversations) == []


async def test_three_digits_are_a_name(conversations: ConversationManager) -> None:
    await say(conversations, a_request())
    assert await say(conversations, a_request("111")) != str(FIRST)
    assert (await conversations.find("ada", "111")).info.name == "111"


async def test_the_beginning_of_several_ids_lists_them(conversations: ConversationManager) -> None:
    ids = [await say(conversations, a_request()) for _ in range(2)]
    with pytest.raises(UsageError, match=f"'1111' is the beginning of several ids: {ids[0]}, {ids[1]}"):
        await conversations.find("ada", "1111")


@pytest.mark.parametrize("reference", BAD_REFERENCES)
async def test_what_can_be_no_session_is_refused_by_name(conversations: ConversationManager, reference: str) -> None:
    for attempt in (
        say(conversations, a_request(reference)),
        conversations.find("ada", reference),
        conversations.delete("ada", reference),
        conversations.rename("ada", "work", reference),
    ):
        with pytest.raises(UsageError) as refusal:
            await attempt
        assert repr(reference) in str(refusal.value)


async def test_another_owner_s_session_is_refused_as_one_that_does_not_exist(
    conversations: ConversationManager,
) -> None:
    of_bob = await say(conversations, a_request("work", owner="bob"))
    missing = of_bob.replace("0001", "0009", 1)

    async def refusal(reference: str) -> list[str]:
        refusals = []
        for attempt in (
            conversations.find("ada", reference),
            conversations.delete("ada", reference),
            conversations.rename("ada", reference, "mine"),
            conversations.undo("ada", reference),
            say(conversations, a_request(reference)),
        ):
            with pytest.raises(NotFound) as refused:
                await attempt
            refusals.append(str(refused.value).replace(reference, "ID"))
        return refusals

    assert await refusal(of_bob) == await refusal(missing)
    assert len(await listed(conversations, "bob")) == 1


async def test_owners_may_use_the_same_name(conversations: ConversationManager) -> None:
    of_bob = await say(conversations, a_request("work", owner="bob"))
    assert await say(conversations, a_request("work")) != of_bob


async def test_sessions_are_listed_by_pages(conversations: ConversationManager) -> None:
    ids = [await say(conversations, a_request()) for _ in range(3)]
    page = await conversations.recent("ada", limit=2, offset=1)
    assert [str(info.session_id) for info in page] == [ids[1], ids[0]]


async def test_a_deleted_session_is_returned_and_gone(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    assert (await conversations.delete("ada", "work")).name == "work"
    with pytest.raises(NotFound):
        await conversations.find("ada", "work")


async def test_a_session_is_renamed(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    before = (await conversations.find("ada", "work")).info
    assert await conversations.rename("ada", "work", "play") == replace(before, name="play")
    assert (await conversations.find("ada", "play")).info == replace(before, name="play")


async def test_a_name_that_would_be_taken_for_an_id_is_refused(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    with pytest.raises(UsageError, match="'deadbeef' cannot be a name"):
        await conversations.rename("ada", "work", "deadbeef")


async def test_undo_takes_the_last_turn_back_and_returns_its_question(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"), "one", "re: one")
    await say(conversations, a_request("work"), "two", "re: two")
    assert await conversations.undo("ada", "work") == "two"
    assert texts(await conversations.find("ada", "work")) == ["Be kind.", "one", "re: one"]


async def test_there_is_nothing_to_undo_in_an_empty_session(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    await conversations.undo("ada", "work")
    with pytest.raises(UsageError, match="no turn"):
        await conversations.undo("ada", "work")


async def test_a_new_session_gets_the_default_system_message(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"))
    assert texts(await conversations.find("ada", "work"))[0] == "Be kind."


@pytest.mark.parametrize(("default", "first"), [(None, "Be Wordy."), ("Be kind.", "Be kind."), ("", "Why?")])
async def test_the_model_s_own_system_message_comes_where_nobody_has_set_one(
    tmp_path: Path, default: str | None, first: str
) -> None:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    conversations = ConversationManager(store, default_system=default)
    async with conversations.turn(a_request(), text="Why?", backend=WordBackend(system="Be Wordy.")) as turn:
        assert turn.messages[0].content == first
    await store.aclose()


async def test_a_request_s_system_message_goes_before_the_default(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work", system="Be brief."))
    assert texts(await conversations.find("ada", "work"))[0] == "Be brief."


@pytest.mark.parametrize(("system", "stored"), [("Be brief.", ["Be brief."]), ("", []), (None, ["Be kind."])])
async def test_a_request_s_system_message_replaces_the_stored_one(
    conversations: ConversationManager, system: str | None, stored: list[str]
) -> None:
    await say(conversations, a_request("work"), "one", "re: one")
    async with conversations.turn(a_request("work", system=system), text="two", backend=WordBackend()) as turn:
        assert [message.content for message in turn.messages] == [*stored, "one", "re: one", "two"]
        turn.add("re: two")
    assert texts(await conversations.find("ada", "work")) == [*stored, "one", "re: one", "two", "re: two"]
