"""What every SessionStore does with a session's turns, whatever it is made of.

Names, ids and lists: see test_session_store_lists; many writers: see test_session_store_writers.
"""

from dataclasses import replace
from datetime import timedelta, timezone
from uuid import uuid4

import pytest

from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.ports import SessionStore
from nexxi_cli.core.types import Message, Summary
from tests.contracts.sessions import a_session, a_turn, at, found, kept, texts


async def test_a_new_session_is_loaded_as_it_was_kept(store: SessionStore) -> None:
    session = a_session(name="work", system="Be brief.")
    assert await store.create(session) == session
    assert await store.load(session.session_id) == session


async def test_a_session_that_is_not_there_is_loaded_as_none(store: SessionStore) -> None:
    assert await store.load(uuid4()) is None


async def test_times_come_back_in_utc(store: SessionStore) -> None:
    session = a_session()
    abroad = replace(session.info, created_at=session.info.created_at.astimezone(timezone(timedelta(hours=9))))
    await store.create(replace(session, info=abroad))
    created_at = (await found(store, session.session_id)).info.created_at
    assert (created_at, created_at.utcoffset()) == (at(0), timedelta(0))


async def test_a_session_that_comes_with_turns_has_counted_and_titled_them(store: SessionStore) -> None:
    session = a_session(system="Be brief.")
    turn = a_turn("What is a monad?", "A burrito.", finish="length")
    session = replace(session, messages=(*session.messages, turn.user, turn.assistant))
    created = await store.create(session)
    assert (created.info.turn_count, created.info.title) == (1, "What is a monad?")
    assert created.messages == session.messages
    assert await store.append(session.session_id, a_turn()) == 2


async def test_an_id_is_kept_once(store: SessionStore) -> None:
    session = a_session(system="the first")
    await store.create(session)
    with pytest.raises(UsageError, match=str(session.session_id)):
        await store.create(a_session(session_id=session.session_id))
    assert texts(await store.load(session.session_id)) == ["the first"]


async def test_turns_come_back_in_order_after_the_system_message(store: SessionStore) -> None:
    session_id = await kept(store, a_session(system="Be brief."), "one", "two")
    assert (await found(store, session_id)).messages == (
        Message("system", "Be brief."),
        Message("user", "one"),
        Message("assistant", "re: one"),
        Message("user", "two"),
        Message("assistant", "re: two"),
    )


async def test_append_returns_the_new_turn_count(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one")
    assert await store.append(session_id, a_turn()) == 2
    assert (await found(store, session_id)).info.turn_count == 2


async def test_a_session_takes_model_and_time_from_its_last_turn(store: SessionStore) -> None:
    session_id = await kept(store, a_session())
    await store.append(session_id, replace(a_turn(minute=7), model="mistral"))
    info = (await found(store, session_id)).info
    assert (info.model, info.created_at, info.updated_at) == ("mistral", at(0), at(7))


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is a monad?", "What is a monad?"),
        ("\n  first \t line  \nsecond line", "first line"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("", None),
        (" \n ", None),
    ],
)
async def test_the_title_is_the_first_line_of_the_first_question(
    store: SessionStore, question: str, title: str | None
) -> None:
    session_id = await kept(store, a_session(), question)
    assert (await found(store, session_id)).info.title == title


async def test_a_title_stays(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one", "two")
    assert (await found(store, session_id)).info.title == "one"


@pytest.mark.parametrize(
    "text",
    ["", " \n\t\r\n", "Grüße, 世界 👩‍👩‍👧‍👦 \u202e\ufeff", "a\x00b", "\"\\'; DROP TABLE sessions; --", "🙂" * 50_000],
    ids=["empty", "blank", "unicode", "nul", "quotes", "long"],
)
async def test_any_text_comes_back_as_it_was(store: SessionStore, text: str) -> None:
    session_id = await kept(store, a_session(owner=f"o{text[:9]}", system=text))
    await store.append(session_id, a_turn(text, text))
    assert texts(await store.load(session_id)) == [text, text, text]


async def test_a_reply_keeps_the_mark_of_how_it_ended(store: SessionStore) -> None:
    session_id = await kept(store, a_session())
    for finish in ("interrupted", "length", "error", None):
        await store.append(session_id, a_turn(finish=finish))
    answers = (await found(store, session_id)).messages[1::2]
    assert [answer.finish for answer in answers] == ["interrupted", "length", "error", None]


async def test_what_needs_a_session_says_so_when_there_is_none(store: SessionStore) -> None:
    missing = uuid4()
    for attempt in (
        store.append(missing, a_turn()),
        store.append(missing, a_turn(), replaces_last_of=replace(a_session().info, turn_count=1)),
        store.truncate(missing, 0),
        store.set_system(missing, "Be brief."),
        store.rename(missing, "work"),
        store.set_summary(missing, Summary(1, "one")),
    ):
        with pytest.raises(NotFound, match=str(missing)):
            await attempt
    assert await store.load(missing) is None


@pytest.mark.parametrize(("turn_count", "left"), [(0, 0), (1, 1), (3, 3), (9, 3)])
async def test_truncate_keeps_the_system_message_and_the_first_turns(
    store: SessionStore, turn_count: int, left: int
) -> None:
    session_id = await kept(store, a_session(system="Be brief."), "one", "two", "three")
    before = (await found(store, session_id)).messages
    await store.truncate(session_id, turn_count)
    session = await found(store, session_id)
    assert (session.info.turn_count, session.messages) == (left, before[: 1 + 2 * left])


async def test_turns_go_on_after_a_truncation(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one", "two")
    await store.truncate(session_id, 1)
    assert await store.append(session_id, a_turn("three", "re: three")) == 2
    assert texts(await store.load(session_id)) == ["one", "re: one", "three", "re: three"]


async def test_a_negative_count_of_turns_is_a_mistake_of_the_caller_s(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one")
    with pytest.raises(AssertionError):
        await store.truncate(session_id, -1)
    assert texts(await store.load(session_id)) == ["one", "re: one"]


async def test_a_summary_is_kept_with_the_session(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one", "two")
    await store.set_summary(session_id, Summary(1, "one \x00 🙂"))
    await store.append(session_id, a_turn())
    assert (await found(store, session_id)).summary == Summary(1, "one \x00 🙂")
    await store.set_summary(session_id, Summary(2, "one and two"))
    assert (await found(store, session_id)).summary == Summary(2, "one and two")


async def test_a_summary_of_turns_that_were_taken_back_does_not_stay(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one", "two", "three")
    await store.set_summary(session_id, Summary(2, "one and two"))
    await store.truncate(session_id, 2)
    assert (await found(store, session_id)).summary == Summary(2, "one and two")
    await store.truncate(session_id, 1)
    await store.append(session_id, a_turn("other"))
    assert (await found(store, session_id)).summary is None


async def test_nothing_of_a_summary_comes_back_with_a_deleted_session_s_id(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one")
    await store.set_summary(session_id, Summary(1, "one"))
    await store.delete(session_id)
    await kept(store, a_session(session_id=session_id), "other")
    assert (await found(store, session_id)).summary is None


@pytest.mark.parametrize("before", [None, "Be brief."])
@pytest.mark.parametrize("after", [None, "Be verbose.", ""])
async def test_the_system_message_is_added_replaced_or_removed(
    store: SessionStore, before: str | None, after: str | None
) -> None:
    session_id = await kept(store, a_session(system=before), "one")
    await store.set_system(session_id, after)
    assert texts(await store.load(session_id)) == [*([] if after is None else [after]), "one", "re: one"]
