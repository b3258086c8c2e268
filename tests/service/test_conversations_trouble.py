"""What becomes of a turn when its store is down, full, slow, or has lost the session."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from nexxi_cli.core.errors import ModelUnavailable, NotFound, StoreUnavailable
from nexxi_cli.core.types import Session, SessionInfo, Turn
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.service.conversing import WordBackend, a_request, fail, say, texts


class FullStore(SqliteSessionStore):
    """A store that can be read and not written."""

    is_full = True

    async def create(self, session: Session) -> Session:
        if self.is_full:
            raise StoreUnavailable("the disk is full")
        return await super().create(session)

    async def append(self, session_id: UUID, turn: Turn, *, replaces_last_of: SessionInfo | None = None) -> int:
        raise StoreUnavailable("the disk is full")


class HeldStore(SqliteSessionStore):
    """A store whose new sessions wait until the test lets them go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def create(self, session: Session) -> Session:
        self.asked.set()
        await self.go.wait()
        return await super().create(session)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


async def test_cancelling_again_while_the_turn_is_written_does_not_lose_it(path: Path) -> None:
    store = HeldStore(path)
    conversations = ConversationManager(store)
    task = asyncio.create_task(say(conversations, a_request("work")))
    await store.asked.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    store.go.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert texts(await conversations.find("ada", "work")) == ["Why?", "Because."]
    await store.aclose()


async def test_a_session_that_was_deleted_meanwhile_does_not_come_back(path: Path) -> None:
    store = SqliteSessionStore(path)
    conversations = ConversationManager(store)
    await say(conversations, a_request("work"))

    async def answer() -> None:
        async with conversations.turn(a_request("work"), text="Why?", backend=WordBackend()) as turn:
            await conversations.delete("ada", "work")
            turn.add("Because.")

    with pytest.raises(NotFound, match="deleted meanwhile"):
        await answer()
    assert await conversations.recent("ada", limit=1) == []
    await store.aclose()


async def test_a_store_that_is_down_is_found_out_before_the_model_is_asked(tmp_path: Path) -> None:
    store = SqliteSessionStore(tmp_path)  # a folder
    backend = WordBackend()
    with pytest.raises(StoreUnavailable):
        async with ConversationManager(store).turn(a_request(), text="Why?", backend=backend):
            pass
    assert backend.counted == []
    await store.aclose()


async def test_a_reply_that_cannot_be_kept_says_so(path: Path) -> None:
    store = FullStore(path)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await say(ConversationManager(store), a_request())
    await store.aclose()


async def test_a_turn_whose_new_answer_cannot_be_kept_is_still_there(path: Path) -> None:
    store = FullStore(path)
    store.is_full = False
    conversations = ConversationManager(store)
    await say(conversations, a_request("work"), "one", "1")
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await say(conversations, replace(a_request("work"), replaces_last=True), "one", "I")
    assert texts(await conversations.find("ada", "work")) == ["one", "1"]
    await store.aclose()


async def test_a_store_that_fails_does_not_hide_why_the_model_failed(path: Path) -> None:
    store = FullStore(path)
    with pytest.raises(ModelUnavailable, match="gone") as failure:
        await fail(ConversationManager(store), a_request(), after="Because")
    assert failure.value.__notes__ == ["the part of the reply that had come could not be kept: the disk is full"]
    await store.aclose()
