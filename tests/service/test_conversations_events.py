"""What is told of the turns that are kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.events import Event, TurnKept
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.service.conversing import a_request, fail, say


class Listening:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


@pytest.fixture
def observer() -> Listening:
    return Listening()


@pytest.fixture
async def conversations(tmp_path: Path, observer: Listening) -> AsyncIterator[ConversationManager]:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    yield ConversationManager(store, observer=observer)
    await store.aclose()


async def test_the_first_turn_of_a_session_is_told_as_such(
    conversations: ConversationManager, observer: Listening
) -> None:
    session = await say(conversations, a_request())
    await say(conversations, a_request(session))
    assert observer.heard == [TurnKept(new_session=True), TurnKept(new_session=False)]


async def test_a_turn_that_failed_is_told_of_if_a_part_of_it_was_kept(
    conversations: ConversationManager, observer: Listening
) -> None:
    with pytest.raises(ModelUnavailable):
        await fail(conversations, a_request(), after="")
    assert observer.heard == []
    with pytest.raises(ModelUnavailable):
        await fail(conversations, a_request(), after="Once")
    assert observer.heard == [TurnKept(new_session=True)]


async def test_a_turn_that_is_not_saved_is_not_told_of(conversations: ConversationManager, observer: Listening) -> None:
    await say(conversations, a_request(save=False))
    assert observer.heard == []
