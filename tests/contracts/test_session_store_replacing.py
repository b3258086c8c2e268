"""What every SessionStore does with a turn that replaces the last one."""

from dataclasses import replace

import pytest

from nexxi_cli.core.ports import SessionStore
from nexxi_cli.core.types import Summary
from tests.contracts.sessions import a_session, a_turn, at, found, kept, texts


@pytest.mark.parametrize("answer", ["2", "re: two", "a longer answer " * 200, '"}, {"role": "user", "content": "x'])
async def test_a_turn_takes_the_place_of_the_last_one(store: SessionStore, answer: str) -> None:
    session_id = await kept(store, a_session(system="Be brief."), "one", "two")
    info = (await found(store, session_id)).info
    turn = replace(a_turn("two", answer, finish="length", minute=7), model="mistral")
    assert await store.append(session_id, turn, replaces_last_of=info) == 2
    session = await found(store, session_id)
    assert texts(session) == ["Be brief.", "one", "re: one", "two", answer]
    assert session.messages[-1].finish == "length"
    assert session.info == replace(info, updated_at=at(7), model="mistral")
    assert await store.recent("ada", limit=9) == [session.info]


async def test_an_only_turn_is_replaced_time_and_again(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one")
    for minute, answer in enumerate(("1", "I", "uno " * 100, ""), start=2):
        info = (await found(store, session_id)).info
        assert await store.append(session_id, a_turn("one", answer, minute=minute), replaces_last_of=info) == 1
        assert texts(await store.load(session_id)) == ["one", answer]
    assert await store.append(session_id, a_turn("two")) == 2


async def test_where_there_is_no_turn_to_replace_it_is_added(store: SessionStore) -> None:
    session = await store.create(a_session(system="Be brief."))
    assert await store.append(session.session_id, a_turn("one", "1"), replaces_last_of=session.info) == 1
    assert texts(await store.load(session.session_id)) == ["Be brief.", "one", "1"]


async def test_a_turn_that_came_meanwhile_is_not_replaced(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one")
    info = (await found(store, session_id)).info
    await store.append(session_id, a_turn("theirs", minute=2))
    assert await store.append(session_id, a_turn("one again", minute=3), replaces_last_of=info) == 3
    assert texts(await store.load(session_id))[::2] == ["one", "theirs", "one again"]


async def test_a_turn_is_not_replaced_in_the_place_of_one_that_went_meanwhile(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one", "two")
    info = (await found(store, session_id)).info
    await store.truncate(session_id, 1)
    assert await store.append(session_id, a_turn("two again", minute=3), replaces_last_of=info) == 2
    assert texts(await store.load(session_id))[::2] == ["one", "two again"]


async def test_a_summary_of_a_turn_that_was_replaced_does_not_stay(store: SessionStore) -> None:
    session_id = await kept(store, a_session(), "one", "two")
    await store.set_summary(session_id, Summary(1, "one"))
    info = (await found(store, session_id)).info
    await store.append(session_id, a_turn("two", "2", minute=3), replaces_last_of=info)
    assert (await found(store, session_id)).summary == Summary(1, "one")
    await store.set_summary(session_id, Summary(2, "one and two"))
    info = (await found(store, session_id)).info
    await store.append(session_id, a_turn("two", "ii", minute=4), replaces_last_of=info)
    await store.append(session_id, a_turn("three", minute=5))
    assert (await found(store, session_id)).summary is None
