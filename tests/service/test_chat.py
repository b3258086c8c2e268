"""The pipeline: screened, answered, screened again, kept; whatever happens on the way."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from nexxi_cli.core.archived import ArchiveEntry
from nexxi_cli.core.errors import (
    ArchiveUnavailable,
    ContextLengthExceeded,
    ModelUnavailable,
    NexxiError,
    Refused,
    StoreUnavailable,
    UsageError,
)
from nexxi_cli.core.events import Event, HistoryTrimmed, ReplyFinished, RequestFailed, RequestScreened
from nexxi_cli.core.settings import Mode
from nexxi_cli.core.types import ChatEvent, ChatRequest, ChatResponse, Delta, Session, Started, Usage
from nexxi_cli.infrastructure.recognizers import RECOGNIZERS
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.service.chat import ChatService
from nexxi_cli.service.conversations import ConversationManager
from nexxi_cli.service.injection import InjectionScreen
from nexxi_cli.service.safety import SafetyFilter
from tests.service.conversing import WordBackend, a_request, texts
from tests.service.screening import WordDetector

BECAUSE = (Delta("Be"), Delta("cause"), Delta(".", "stop", Usage(1, 3)))


class Events:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


class FullStore(SqliteSessionStore):
    """A store that can be read and not written."""

    async def create(self, session: Session) -> Session:
        raise StoreUnavailable("the disk is full")


class FullLog:
    """A log on a disk that is full."""

    async def put(self, entries: Sequence[ArchiveEntry]) -> None:
        raise ArchiveUnavailable("the disk is full")


class Ticks:
    """A clock that goes on by a second each time one looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
async def conversations(tmp_path: Path) -> AsyncIterator[ConversationManager]:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    yield ConversationManager(store)
    await store.aclose()


@pytest.fixture
def events() -> Events:
    return Events()


def service(
    conversations: ConversationManager,
    backend: WordBackend,
    events: Events,
    *,
    html: Mode = "redact",
    pii: Mode = "redact",
    max_chars: int | None = None,
) -> ChatService:
    safety = SafetyFilter(RECOGNIZERS, html, pii, max_chars)
    return ChatService(safety=safety, conversations=conversations, backend=backend, observer=events, clock=Ticks())


def asking(text: str, reference: str | None = "work") -> ChatRequest:
    return replace(a_request(reference), text=text)


async def collected(chat: ChatService, request: ChatRequest) -> list[ChatEvent]:
    async with aclosing(chat.stream(request)) as stream:
        return [event async for event in stream]


async def test_a_reply_is_started_streamed_and_summed_up(conversations: ConversationManager, events: Events) -> None:
    chat = service(conversations, WordBackend(reply=BECAUSE), events)
    started, *deltas, response = await collected(chat, asking("Why is that so?"))
    assert isinstance(started, Started)
    assert (started.model, started.prompt_tokens, started.dropped_turns) == ("words", 4, 0)
    assert "".join(delta.text for delta in deltas if isinstance(delta, Delta)) == "Because."
    assert isinstance(response, ChatResponse)
    assert (response.text, response.finish, response.usage) == ("Because.", "stop", Usage(1, 3))
    assert response.session_id == started.session_id
    assert (response.timing.first_token_s, response.timing.total_s) == (1.0, 2.0)


async def test_chat_collects_what_stream_says(conversations: ConversationManager, events: Events) -> None:
    response = await service(conversations, WordBackend(reply=BECAUSE), events).chat(asking("Why?"))
    assert response.text == "Because."


async def test_the_turn_is_kept_as_it_was_redacted(conversations: ConversationManager, events: Events) -> None:
    reply = (Delta("Write to bob@exam"), Delta("ple.com now"), Delta("", "stop", Usage(1, 3)))
    backend = WordBackend(reply=reply)
    response = await service(conversations, backend, events).chat(asking("I am <b>ada@example.com</b>"))
    expected = ["I am <EMAIL>", "Write to <EMAIL> now"]
    assert texts(await conversations.find("ada", "work")) == expected
    assert [message.content for message in backend.asked[0]] == expected[:1]
    assert response.text == expected[1]
    assert [finding.type for finding in response.verdict.findings] == ["HTML", "EMAIL", "HTML"]
    assert [finding.type for finding in response.output_findings] == ["EMAIL"]


async def test_the_observer_hears_of_each_step_without_a_word_of_the_text(
    conversations: ConversationManager, events: Events
) -> None:
    await service(conversations, WordBackend(reply=BECAUSE), events).chat(asking("I am ada@example.com"))
    screened, finished = events.heard
    assert isinstance(screened, RequestScreened)
    assert (screened.allowed, screened.finding_types, screened.chars) == (True, ("EMAIL",), 20)
    assert isinstance(finished, ReplyFinished)
    assert "ada" not in repr(events.heard)


async def test_a_refused_message_never_reaches_the_model_or_the_store(
    conversations: ConversationManager, events: Events
) -> None:
    backend = WordBackend(reply=BECAUSE)
    with pytest.raises(Refused, match=r"pii: EMAIL"):
        await service(conversations, backend, events, pii="block").chat(asking("I am ada@example.com"))
    assert (backend.asked, backend.counted) == ([], [])
    assert await conversations.recent("ada", limit=1) == []
    assert events.heard == [
        RequestScreened("", "in", allowed=False, finding_types=("EMAIL",), chars=20),
        RequestFailed("", "Refused"),
    ]


async def test_an_attack_that_is_only_observed_reaches_the_model_and_the_observer(
    conversations: ConversationManager, events: Events
) -> None:
    safety = SafetyFilter((), "off", "off", None, injection=InjectionScreen(WordDetector(), blocks=False))
    chat = ChatService(
        safety=safety, conversations=conversations, backend=WordBackend(reply=BECAUSE), observer=events, clock=Ticks()
    )
    response = await chat.chat(asking("an attack"))
    assert (response.text, response.verdict.notes) == ("Because.", ("injection: word",))
    assert events.heard[0] == RequestScreened("", "in", allowed=True, finding_types=("INJECTION",), chars=9)


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        ("", UsageError, "empty"),
        (" \n\t", UsageError, "empty"),
        ("<p></p>", UsageError, "nothing is left"),
        ("x" * 101, Refused, "101 characters, the limit is 100"),
    ],
)
async def test_a_message_that_is_none_is_refused(
    conversations: ConversationManager, events: Events, text: str, error: type[NexxiError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        await service(conversations, WordBackend(reply=BECAUSE), events, max_chars=100).chat(asking(text))


async def test_a_prompt_longer_than_the_context_is_refused(conversations: ConversationManager, events: Events) -> None:
    with pytest.raises(ContextLengthExceeded):
        await service(conversations, WordBackend(context_length=5, reply=BECAUSE), events).chat(asking("why " * 5))


async def test_what_was_left_out_of_the_history_is_said(conversations: ConversationManager, events: Events) -> None:
    chat = service(conversations, WordBackend(context_length=20, reply=BECAUSE), events)
    await chat.chat(asking("one " * 12))
    response = await chat.chat(asking("two " * 12))
    assert response.dropped_turns == 1
    assert HistoryTrimmed("", 1) in events.heard


async def test_a_model_that_fails_in_mid_reply_leaves_the_part_that_came(
    conversations: ConversationManager, events: Events
) -> None:
    backend = WordBackend(reply=BECAUSE[:2], error=ModelUnavailable("gone"))
    with pytest.raises(ModelUnavailable):
        await service(conversations, backend, events).chat(asking("Why?"))
    *_, answer = (await conversations.find("ada", "work")).messages
    assert (answer.content, answer.finish) == ("Because", "error")
    assert events.heard[-1] == RequestFailed("", "ModelUnavailable")


async def test_a_reply_that_cannot_be_kept_comes_with_the_error(tmp_path: Path, events: Events) -> None:
    store = FullStore(tmp_path / "sessions.db")
    with pytest.raises(StoreUnavailable) as refusal:
        await service(ConversationManager(store), WordBackend(reply=BECAUSE), events).chat(asking("Why?"))
    unkept = refusal.value.unkept
    assert unkept is not None
    assert (unkept.text, unkept.usage, unkept.finish) == ("Because.", Usage(1, 3), "stop")
    assert (unkept.saved, unkept.session_id) == (False, None)
    await store.aclose()


async def test_a_turn_of_which_the_archive_cannot_hear_is_kept_and_says_so(tmp_path: Path, events: Events) -> None:
    store = SqliteSessionStore(tmp_path / "sessions.db")
    conversations = ConversationManager(store, log=FullLog())
    with pytest.raises(ArchiveUnavailable) as refusal:
        await service(conversations, WordBackend(reply=BECAUSE), events).chat(asking("Why?"))
    unkept = refusal.value.unkept
    assert unkept is not None
    assert (unkept.saved, unkept.text) == (True, "Because.")
    assert (await conversations.find("ada", str(unkept.session_id))).info.turn_count == 1
    await store.aclose()


async def test_a_part_of_a_reply_comes_with_no_error(conversations: ConversationManager, events: Events) -> None:
    backend = WordBackend(reply=BECAUSE[:2], error=ModelUnavailable("gone"))
    with pytest.raises(ModelUnavailable) as failure:
        await service(conversations, backend, events).chat(asking("Why?"))
    assert failure.value.unkept is None


async def test_a_reply_says_whether_it_is_kept(conversations: ConversationManager, events: Events) -> None:
    chat = service(conversations, WordBackend(reply=BECAUSE), events)
    assert (await chat.chat(asking("Why?"))).saved
    assert not (await chat.chat(replace(asking("Why?"), save=False))).saved


async def test_a_caller_that_goes_away_stops_the_model_and_keeps_the_part_that_came(
    conversations: ConversationManager, events: Events
) -> None:
    backend = WordBackend(reply=(Delta("be "), Delta("cause "), *BECAUSE))
    async with aclosing(service(conversations, backend, events).stream(asking("Why?"))) as stream:
        async for event in stream:
            if isinstance(event, Delta):
                break
    assert backend.stopped
    *_, answer = (await conversations.find("ada", "work")).messages
    assert (answer.content, answer.finish) == ("be ", "interrupted")


async def test_a_secret_split_over_two_deltas_never_leaves(conversations: ConversationManager, events: Events) -> None:
    text = "mail me at ada@example.com now"
    for cut in range(1, len(text)):
        reply: Sequence[Delta] = (Delta(text[:cut]), Delta(text[cut:]), Delta("", "stop", Usage(1, 1)))
        seen = await collected(service(conversations, WordBackend(reply=reply), events), asking("Where?", None))
        pieces = [event.text for event in seen if isinstance(event, Delta)]
        assert "ada" not in " ".join(pieces)
        assert "".join(pieces) == "mail me at <EMAIL> now"


async def test_a_reply_that_is_wanted_whole_comes_in_one_piece_redacted_as_ever(
    conversations: ConversationManager, events: Events
) -> None:
    pieces = (Delta("Write to ada@"), Delta("example"), Delta(".com."), Delta("", "stop", Usage(1, 4)))
    chat = service(conversations, WordBackend(reply=pieces), events)
    _, delta, response = await collected(chat, replace(asking("Whom?"), whole=True))
    assert delta == Delta("Write to <EMAIL>.")
    assert isinstance(response, ChatResponse)
    assert response.text == "Write to <EMAIL>."
    assert [finding.type for finding in response.output_findings] == ["EMAIL"]


async def test_a_reply_that_was_wanted_whole_and_fails_is_kept_as_far_as_it_came(
    conversations: ConversationManager, events: Events
) -> None:
    backend = WordBackend(reply=(Delta("I am "), Delta("ada@example.com")), error=ModelUnavailable("gone"))
    chat = service(conversations, backend, events)
    with pytest.raises(ModelUnavailable):
        await chat.chat(asking("Who?"))
    session = await conversations.find("ada", "work")
    assert (session.messages[-1].content, session.messages[-1].finish) == ("I am <EMAIL>", "error")
