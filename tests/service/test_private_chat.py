"""A private chat: placeholders for the model and the store, originals for the user."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import ChatRequest, ChatResponse, Delta, Session, Started
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.observability.silence import SILENT
from nexxi_cli.service.chat import ChatService
from nexxi_cli.service.conversations import ConversationManager
from nexxi_cli.service.private_chat import PrivateChat
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms
from nexxi_cli.wiring import redaction_search
from tests.service.conversing import WordBackend, a_request
from tests.service.screening import a_filter


class Talk:
    """One process that chats privately over a store of the test."""

    def __init__(self, store: SqliteSessionStore, backend: WordBackend) -> None:
        self.conversations = ConversationManager(store)
        self.backend = backend
        service = ChatService(
            safety=a_filter(html="redact"), conversations=self.conversations, backend=backend, observer=SILENT
        )
        self.chat = PrivateChat(service, redaction_search(), Pseudonyms(), self._session_of)
        self.started: Started | None = None
        self.response: ChatResponse | None = None

    async def _session_of(self, request: ChatRequest) -> Session | None:
        return await self.conversations.resume(request.owner, request.session)

    async def say(self, text: str, *reply: str, last: bool = False) -> str:
        self.backend.reply = [*map(Delta, reply), Delta("", "stop")]
        return "".join([piece async for piece in self.deltas(replace(a_request(last=last), text=text))])

    async def deltas(self, request: ChatRequest) -> AsyncIterator[str]:
        async with aclosing(self.chat.stream(request)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    yield event.text
                elif isinstance(event, Started):
                    self.started = event
                else:
                    self.response = event


@asynccontextmanager
async def a_store(path: Path) -> AsyncIterator[SqliteSessionStore]:
    store = SqliteSessionStore(path / "sessions.db")
    yield store
    await store.aclose()


async def listen(talk: Talk, text: str, take: Callable[[str], None]) -> None:
    async for piece in talk.deltas(replace(a_request(), text=text)):
        take(piece)


async def test_the_model_and_the_store_see_placeholders_and_the_user_sees_originals(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        talk = Talk(store, WordBackend())
        shown = await talk.say("I am ada@example.com, he bob@example.com", "So <EMA", "IL_1", "> and <e", "mail_2>!")
        assert shown == "So ada@example.com and bob@example.com!"
        assert talk.response is not None
        assert talk.response.text == shown
        assert talk.backend.asked[0][-1].content == "I am <EMAIL_1>, he <EMAIL_2>"
        kept = await talk.conversations.resume("ada", a_request(last=True).session)
        assert kept is not None
        contents = [message.content for message in kept.messages if message.role != "system"]
        assert contents == ["I am <EMAIL_1>, he <EMAIL_2>", "So <EMAIL_1> and <email_2>!"]


async def test_the_user_is_told_what_was_found(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        talk = Talk(store, WordBackend())
        await talk.say("I am ada@example.com", "Hello")
        assert talk.started is not None
        assert [finding.type for finding in talk.started.verdict.findings] == ["EMAIL"]


@pytest.mark.parametrize("size", range(1, 12))
async def test_a_placeholder_in_pieces_of_any_size_is_restored(tmp_path: Path, size: int) -> None:
    reply = "To <EMAIL_1>: see &lt;EMAIL_1&gt;, EMAIL_1 and <EMAIL_10>."
    pieces = [reply[at : at + size] for at in range(0, len(reply), size)]
    async with a_store(tmp_path) as store:
        shown = await Talk(store, WordBackend()).say("ada@example.com", *pieces)
    assert shown == "To ada@example.com: see ada@example.com, ada@example.com and <EMAIL_10>."


async def test_a_later_process_gives_no_placeholder_of_the_session_to_another_value(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        await Talk(store, WordBackend()).say("I am ada@example.com", "Hello <EMAIL_1>")
        later = Talk(store, WordBackend())
        assert await later.say("Write bob@example.com", "<EMAIL_1> to <EMAIL_2>", last=True) == (
            "<EMAIL_1> to bob@example.com"
        )
        assert later.backend.asked[0][-1].content == "Write <EMAIL_2>"


async def test_what_is_held_back_comes_before_an_error(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        talk = Talk(store, WordBackend(error=ModelUnavailable("gone")))
        talk.backend.reply = [Delta("Dear <EMAIL_1> <")]
        shown: list[str] = []

        with pytest.raises(ModelUnavailable):
            await listen(talk, "ada@example.com", shown.append)
        assert "".join(shown) == "Dear ada@example.com <"
