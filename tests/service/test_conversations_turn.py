"""What is kept of a turn, however it ends: whole, cut short, failed, unanswered.

What the store does meanwhile: see test_conversations_trouble.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from nexxi_cli.core.errors import ContextLengthExceeded, ModelUnavailable
from nexxi_cli.core.types import FinishReason, Message, Session, SessionInfo, Turn
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.service.conversing import ManualClock, WordBackend, a_request, fail, say, texts


class CountingStore(SqliteSessionStore):
    """A store that counts what it is asked to write."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writes: list[str] = []

    async def create(self, session: Session) -> Session:
        self.writes.append("create")
        return await super().create(session)

    async def append(self, session_id: UUID, turn: Turn, *, replaces_last_of: SessionInfo | None = None) -> int:
        self.writes.append("append")
        return await super().append(session_id, turn, replaces_last_of=replaces_last_of)

    async def truncate(self, session_id: UUID, turn_count: int) -> None:
        self.writes.append("truncate")
        await super().truncate(session_id, turn_count)

    async def set_system(self, session_id: UUID, system: str | None) -> None:
        self.writes.append("set_system")
        await super().set_system(session_id, system)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[CountingStore]:
    opened = CountingStore(path)
    yield opened
    await opened.aclose()


@pytest.fixture
def conversations(store: CountingStore) -> ConversationManager:
    return ConversationManager(store, clock=ManualClock())


async def last_message(conversations: ConversationManager, reference: str = "work") -> Message:
    return (await conversations.find("ada", reference)).messages[-1]


async def nothing_is_kept(conversations: ConversationManager) -> bool:
    return not await conversations.recent("ada", limit=1)


async def test_a_whole_turn_is_kept_as_it_was_redacted(conversations: ConversationManager) -> None:
    async with conversations.turn(a_request("work"), text="mail [EMAIL]", backend=WordBackend()) as turn:
        turn.add("I ")
        turn.add("will.")
        turn.finish("stop")
    session = await conversations.find("ada", "work")
    assert session.messages == (Message("user", "mail [EMAIL]"), Message("assistant", "I will."))
    assert (session.info.model, session.info.title) == ("words", "mail [EMAIL]")


async def test_a_session_and_its_first_turn_are_one_write(
    conversations: ConversationManager, store: CountingStore
) -> None:
    await say(conversations, a_request("work", system="Be brief."))
    assert store.writes == ["create"]


async def test_a_further_turn_is_one_write_while_the_system_message_stays(
    conversations: ConversationManager, store: CountingStore
) -> None:
    await say(conversations, a_request("work", system="Be brief."))
    await say(conversations, a_request("work", system="Be brief."))
    assert store.writes == ["create", "append"]


async def test_a_turn_that_replaces_the_last_one_is_one_write(
    conversations: ConversationManager, store: CountingStore
) -> None:
    await say(conversations, a_request("work"))
    await say(conversations, replace(a_request("work"), replaces_last=True))
    assert store.writes == ["create", "append"]


@pytest.mark.parametrize("finish", ["length", "error"])
async def test_a_reply_that_did_not_end_by_itself_is_marked(
    conversations: ConversationManager, finish: FinishReason
) -> None:
    async with conversations.turn(a_request("work"), text="Why?", backend=WordBackend()) as turn:
        turn.add("Because")
        turn.finish(finish)
    assert await last_message(conversations) == Message("assistant", "Because", finish)


async def test_a_reply_that_nobody_ended_is_marked_as_interrupted(conversations: ConversationManager) -> None:
    async with conversations.turn(a_request("work"), text="Why?", backend=WordBackend()) as turn:
        turn.add("Because")
    assert await last_message(conversations) == Message("assistant", "Because", "interrupted")


async def test_a_cancelled_reply_is_kept_and_marked(conversations: ConversationManager) -> None:
    begun = asyncio.Event()

    async def answer() -> None:
        async with conversations.turn(a_request("work"), text="Why?", backend=WordBackend()) as turn:
            turn.add("Because")
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(answer())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await last_message(conversations) == Message("assistant", "Because", "interrupted")


async def test_a_reply_whose_reader_went_away_is_kept_and_marked(conversations: ConversationManager) -> None:
    async def stream() -> AsyncGenerator[str, None]:
        async with conversations.turn(a_request("work"), text="Why?", backend=WordBackend()) as turn:
            turn.add("Because")
            yield "Because"
            turn.add(" of you.")

    async with aclosing(stream()) as pieces:
        await anext(pieces)
    assert await last_message(conversations) == Message("assistant", "Because", "interrupted")


async def test_what_came_before_the_model_failed_is_kept_and_marked(conversations: ConversationManager) -> None:
    with pytest.raises(ModelUnavailable, match="gone"):
        await fail(conversations, a_request("work"), after="Because")
    assert await last_message(conversations) == Message("assistant", "Because", "error")


@pytest.mark.parametrize("pieces", [[], ["", ""]])
async def test_without_a_reply_nothing_is_kept(conversations: ConversationManager, pieces: list[str]) -> None:
    async with conversations.turn(a_request("work"), text="Why?", backend=WordBackend()) as turn:
        for piece in pieces:
            turn.add(piece)
        turn.finish("stop")
    assert await nothing_is_kept(conversations)


async def test_a_model_that_fails_at_once_leaves_the_session_as_it_was(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work", system="Be kind."))
    before = await conversations.find("ada", "work")
    with pytest.raises(ModelUnavailable):
        await fail(conversations, a_request("work", system="Be brief."), after="")
    assert await conversations.find("ada", "work") == before


async def test_unsaved_messages_read_the_history_and_leave_it(conversations: ConversationManager) -> None:
    session_id = await say(conversations, a_request("work"), "one", "re: one")
    request = a_request("work", system="Be brief.", save=False)
    async with conversations.turn(request, text="two", backend=WordBackend()) as turn:
        assert [message.content for message in turn.messages] == ["Be brief.", "one", "re: one", "two"]
        turn.add("re: two")
    assert str(turn.session_id) == session_id
    assert texts(await conversations.find("ada", "work")) == ["one", "re: one"]


async def test_an_unsaved_new_session_has_no_id_and_touches_no_file(
    conversations: ConversationManager, path: Path
) -> None:
    assert await say(conversations, a_request(save=False)) == "None"
    assert not path.exists()  # noqa: ASYNC240 - no I/O to speak of


async def test_a_named_session_that_was_made_meanwhile_gets_the_turn(conversations: ConversationManager) -> None:
    async with conversations.turn(a_request("work", system="Be brief."), text="mine", backend=WordBackend()) as turn:
        theirs = await say(conversations, a_request("work"), "theirs", "re: theirs")
        turn.add("re: mine")
        turn.finish("stop")
    assert str(turn.session_id) == theirs
    assert texts(await conversations.find("ada", "work")) == ["Be brief.", "theirs", "re: theirs", "mine", "re: mine"]


async def test_turns_that_run_at_once_are_kept_in_the_order_of_their_ends(conversations: ConversationManager) -> None:
    await say(conversations, a_request("work"), "one", "re: one")
    async with conversations.turn(a_request("work"), text="slow", backend=WordBackend()) as turn:
        await say(conversations, a_request("work"), "fast", "re: fast")
        turn.add("re: slow")
    assert texts(await conversations.find("ada", "work"))[2:] == ["fast", "re: fast", "slow", "re: slow"]


async def test_a_message_that_does_not_fit_keeps_nothing(conversations: ConversationManager) -> None:
    with pytest.raises(ContextLengthExceeded):
        async with conversations.turn(a_request(), text="word " * 10, backend=WordBackend(context_length=10)):
            pass
    assert await nothing_is_kept(conversations)
