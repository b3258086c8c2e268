"""Conversations that the caller keeps himself: every text of his is screened, and nothing is stored."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ContextLengthExceeded, Refused
from nexxi_cli.core.types import ChatRequest, Delta, Message, Usage
from nexxi_cli.infrastructure.recognizers import RECOGNIZERS
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.observability.silence import SILENT
from nexxi_cli.service.chat import ChatService
from nexxi_cli.service.conversations import ConversationManager
from nexxi_cli.service.safety import SafetyFilter
from tests.service.conversing import WordBackend

REPLY = (Delta("Because.", "stop", Usage(3, 1)),)
BEFORE = (Message("user", "I am ada@example.com."), Message("assistant", "Hello <b>ada@example.com</b>."))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    yield store
    await store.aclose()


def service(store: SqliteSessionStore, backend: WordBackend, *, max_chars: int = 1000) -> ChatService:
    safety = SafetyFilter(RECOGNIZERS, "redact", "redact", max_chars)
    return ChatService(safety=safety, conversations=ConversationManager(store), backend=backend, observer=SILENT)


def asking(*history: Message, text: str = "Why?") -> ChatRequest:
    return ChatRequest(text, "ada", history=history)


async def test_the_model_is_sent_the_history_as_it_was_given_but_for_personal_data(store: SqliteSessionStore) -> None:
    backend = WordBackend(reply=REPLY)
    await service(store, backend).chat(asking(*BEFORE))
    assert [message.content for message in backend.asked[0]] == ["I am <EMAIL>.", "Hello <b><EMAIL></b>.", "Why?"]


async def test_nothing_is_stored(store: SqliteSessionStore) -> None:
    response = await service(store, WordBackend(reply=REPLY)).chat(asking(*BEFORE))
    assert response.session_id is None
    assert await store.recent("ada", limit=10) == []


async def test_the_models_own_system_prompt_is_used_when_the_history_has_none(store: SqliteSessionStore) -> None:
    backend = WordBackend(reply=REPLY, system="Be brief.")
    await service(store, backend).chat(asking(*BEFORE))
    await service(store, backend).chat(asking(Message("system", "Be long."), *BEFORE))
    assert [asked[0].content for asked in backend.asked] == ["Be brief.", "Be long."]


async def test_a_history_that_does_not_fit_is_refused_not_shortened(store: SqliteSessionStore) -> None:
    backend = WordBackend(reply=REPLY, context_length=6)
    with pytest.raises(ContextLengthExceeded, match="6 tokens"):
        await service(store, backend).chat(asking(*BEFORE))
    assert backend.asked == []


async def test_an_older_message_is_judged_like_the_newest(store: SqliteSessionStore) -> None:
    with pytest.raises(Refused, match="length"):
        await service(store, WordBackend(reply=REPLY), max_chars=10).chat(asking(*BEFORE))


async def test_a_system_prompt_loses_its_personal_data(store: SqliteSessionStore) -> None:
    backend = WordBackend(reply=REPLY)
    await service(store, backend).chat(ChatRequest("Why?", "ada", system="You serve ada@example.com."))
    assert backend.asked[0][0].content == "You serve <EMAIL>."
