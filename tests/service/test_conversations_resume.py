"""Which session a chat goes on with, and a last turn that is answered anew."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ModelUnavailable, NotFound, UsageError
from nexxi_cli.core.types import SessionChoice
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.service.conversing import ManualClock, WordBackend, a_request, fail, say, texts


@pytest.fixture
async def conversations(tmp_path: Path) -> AsyncIterator[ConversationManager]:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    yield ConversationManager(store, clock=ManualClock())
    await store.aclose()


async def test_no_choice_and_a_new_name_resume_nothing(conversations: ConversationManager) -> None:
    await say(conversations, a_request())
    assert await conversations.resume("ada", SessionChoice()) is None
    assert await conversations.resume("ada", SessionChoice("new")) is None


async def test_the_last_session_and_a_name_are_resumed(conversations: ConversationManager) -> None:
    await say(conversations, a_request("first"), "one")
    await say(conversations, a_request(), "two")
    last = await conversations.resume("ada", SessionChoice(last=True))
    named = await conversations.resume("ada", SessionChoice("first"))
    assert last is not None
    assert named is not None
    assert (texts(last)[0], texts(named)[0]) == ("two", "one")


@pytest.mark.parametrize(("reference", "error"), [("deadbeef", NotFound), ("../../x", UsageError)])
async def test_an_id_without_a_session_and_a_path_are_refused(
    reference: str, error: type[Exception], conversations: ConversationManager
) -> None:
    with pytest.raises(error):
        await conversations.resume("ada", SessionChoice(reference))


async def test_a_replaced_turn_is_not_shown_to_the_model(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"), "one", "1")
    await say(conversations, a_request("work"), "two", "bad")
    again = replace(a_request("work"), replaces_last=True)
    async with conversations.turn(again, text="two", backend=WordBackend()) as turn:
        assert [message.content for message in turn.messages] == ["one", "1", "two"]
        turn.add("2")
        turn.finish("stop")
    assert texts(await conversations.find("ada", "work")) == ["one", "1", "two", "2"]


async def test_a_turn_is_replaced_only_once_a_reply_has_come(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"), "one", "1")
    again = replace(a_request("work"), replaces_last=True)
    with pytest.raises(ModelUnavailable):
        await fail(conversations, again, after="")
    assert texts(await conversations.find("ada", "work")) == ["one", "1"]


async def test_a_turn_that_another_writer_adds_meanwhile_is_not_replaced(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"), "one", "1")
    again = replace(a_request("work"), replaces_last=True)
    async with conversations.turn(again, text="one", backend=WordBackend()) as turn:
        await say(conversations, a_request("work"), "theirs", "2")
        turn.add("I")
        turn.finish("stop")
    assert texts(await conversations.find("ada", "work")) == ["one", "1", "theirs", "2", "one", "I"]


async def test_in_a_session_of_the_same_name_that_was_made_meanwhile_nothing_is_replaced(
    conversations: ConversationManager,
) -> None:
    again = replace(a_request("work"), replaces_last=True)
    async with conversations.turn(again, text="mine", backend=WordBackend()) as turn:
        await say(conversations, a_request("work"), "theirs", "1")
        turn.add("2")
        turn.finish("stop")
    assert texts(await conversations.find("ada", "work")) == ["theirs", "1", "mine", "2"]


async def test_in_an_empty_session_there_is_nothing_to_replace(conversations: ConversationManager) -> None:
    await say(conversations, replace(a_request("work"), replaces_last=True), "one", "1")
    assert texts(await conversations.find("ada", "work")) == ["one", "1"]
