"""Turns that waited for a session which has been deleted, replaced or made by another process meanwhile."""

from pathlib import Path

import pytest

from nexxi_cli.core.events import StoreUp
from nexxi_cli.core.types import Session
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from tests.contracts.sessions import a_session, a_turn, found, kept, texts
from tests.infrastructure.stores.spooled import Ears, FailingStore, a_session_with_a_turn, client_of, questions_in
from tests.redis_process import RedisProcess


async def only_session(store: RedisSessionStore) -> Session:
    (info,) = await store.recent("ada", limit=9)
    return await found(store, info.session_id)


def up_of(ears: Ears) -> StoreUp:
    assert isinstance(ears.events[-1], StoreUp)
    return ears.events[-1]


@pytest.mark.parametrize("mode", ["down", "slow"])
async def test_turns_of_a_session_that_is_deleted_meanwhile_begin_one_new_session_without_its_name(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore, ears: Ears, mode: str
) -> None:
    old_id = await kept(failing_client, a_session(name="work", system="Be brief."), "one")
    await failing_client.load(old_id)
    failing.mode = mode
    await failing_client.append(old_id, a_turn("two"))
    await failing_client.append(old_id, a_turn("three"))
    await redis_store.delete(old_id)
    failing.mode = "up"
    await failing_client.recent("ada", limit=1)
    await failing.catch_up(9)
    session = await only_session(redis_store)
    assert session.session_id != old_id
    assert (session.info.name, session.info.title) == (None, "one")
    assert texts(session) == ["Be brief.", "two", "Because.", "three", "Because."]
    assert (up_of(ears).late_turns, up_of(ears).moved_turns) == (2, 2)


async def test_the_old_id_leads_on_to_the_new_session_in_every_process(
    failing_client: SpoolingSessionStore,
    failing: FailingStore,
    redis_store: RedisSessionStore,
    server: RedisProcess,
    spool: Path,
) -> None:
    old_id = await kept(failing_client, a_session(), "one")
    await failing_client.load(old_id)
    failing.mode = "down"
    await failing_client.append(old_id, a_turn("two"))
    await redis_store.delete(old_id)
    failing.mode = "up"
    async with client_of(server.url, spool) as other:
        assert await questions_in(other, old_id) == ["two"]
    assert [info.session_id for info in await failing_client.find("ada", str(old_id).upper())] == [
        (await only_session(redis_store)).session_id
    ]
    assert await failing_client.append(old_id, a_turn("three")) == 2
    await failing_client.set_system(old_id, "Be brief.")
    await failing_client.rename(old_id, "work")
    await failing_client.truncate(old_id, 1)
    assert texts(await only_session(redis_store)) == ["Be brief.", "two", "Because."]
    assert await failing_client.delete(old_id)
    assert await redis_store.recent("ada", limit=9) == []


async def test_a_session_may_be_deleted_time_and_again(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    old_id = await kept(failing_client, a_session(), "one")
    for question in ("two", "three", "four"):
        await failing_client.load(old_id)
        failing.mode = "down"
        await failing_client.append(old_id, a_turn(question))
        await redis_store.delete((await only_session(redis_store)).session_id)
        failing.mode = "up"
        assert await questions_in(failing_client, old_id) == [question]


async def test_a_turn_that_had_been_taken_is_not_kept_again_when_its_session_is_deleted(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    session_id = await kept(failing_client, a_session(), "one")
    await failing_client.load(session_id)
    failing.mode = "deaf"
    await failing_client.append(session_id, a_turn("two"))
    await redis_store.delete(session_id)
    failing.mode = "up"
    assert await failing_client.recent("ada", limit=9) == []


async def test_a_turn_that_is_taken_only_after_it_was_delivered_is_there_once(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    failing.mode = "slow"
    session = await failing_client.create(a_session_with_a_turn("one"))
    failing.mode = "up"
    await failing_client.recent("ada", limit=9)
    failing.mode = "slow"
    await failing_client.append(session.session_id, a_turn("two"))
    failing.mode = "up"
    await failing_client.recent("ada", limit=9)
    await failing.catch_up(9)
    assert await questions_in(redis_store, session.session_id) == ["one", "two"]


async def test_a_new_system_message_for_a_session_that_is_deleted_goes_with_its_turns(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    session_id = await kept(failing_client, a_session(), "one")
    await failing_client.load(session_id)
    failing.mode = "down"
    await failing_client.set_system(session_id, "Be brief.")
    await redis_store.delete(session_id)
    failing.mode = "up"
    assert await failing_client.recent("ada", limit=9) == []
    failing.mode = "down"
    await failing_client.append(session_id, a_turn("two"))
    failing.mode = "up"
    assert texts(await failing_client.load(session_id)) == ["Be brief.", "two", "Because."]


@pytest.mark.parametrize("mode", ["down", "slow"])
async def test_the_turns_of_a_name_that_another_process_has_taken_meanwhile_go_to_the_other_s_session(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore, ears: Ears, mode: str
) -> None:
    failing.mode = mode
    new = a_session_with_a_turn("two", name="work", system="Be verbose.")
    await failing_client.create(new)
    await failing_client.append(new.session_id, a_turn("three"))
    other_id = await kept(redis_store, a_session(name="work", system="Be brief."), "one")
    failing.mode = "up"
    await failing_client.recent("ada", limit=1)
    await failing.catch_up(9)
    session = await only_session(redis_store)
    assert session.session_id == other_id
    assert texts(session)[0] == "Be brief."
    assert texts(session)[1::2] == ["one", "two", "three"]
    assert up_of(ears).moved_turns == 2
    assert await failing_client.append(new.session_id, a_turn("four")) == 4


async def test_a_redis_that_comes_back_empty_gets_the_turns_that_waited(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(failing_client, a_session(name="work"), "one")
    await failing_client.load(session_id)
    failing.mode = "down"
    for question in ("two", "three"):
        await failing_client.append(session_id, a_turn(question))
    server.client.flushall()
    failing.mode = "up"
    assert await questions_in(failing_client, session_id) == ["two", "three"]


async def test_a_turn_that_is_remembered_no_more_is_still_known_by_its_session_s_id(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    failing.mode = "deaf"
    session = await failing_client.create(a_session_with_a_turn("one"))
    server.client.delete(*server.client.keys("nexxi:written:*"))
    failing.mode = "up"
    assert await questions_in(failing_client, session.session_id) == ["one"]
    assert len(await redis_store.recent("ada", limit=9)) == 1


async def test_what_redis_remembers_of_a_write_expires(
    failing_client: SpoolingSessionStore, server: RedisProcess
) -> None:
    session = await failing_client.create(a_session_with_a_turn("one"))
    await failing_client.append(session.session_id, a_turn("two"))
    marks = server.client.keys("nexxi:written:*")
    assert [0 < server.client.ttl(mark) <= 90 * 24 * 3600 for mark in marks] == [True, True]


async def test_a_store_without_a_spool_leaves_no_mark(redis_store: RedisSessionStore, server: RedisProcess) -> None:
    await kept(redis_store, a_session(), "one")
    assert server.client.keys("nexxi:written:*") == []


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://:sesame@HOST", "redis://host:6379#0"),
        ("rediss://ada:sesame@host:6379/0?socket_timeout=1", "redis://host:6379#0"),
        ("redis://host:7000/3", "redis://host:7000#3"),
        ("redis://host:7000?db=3", "redis://host:7000#3"),
        ("redis://", "redis://localhost:6379#0"),
        ("unix://:sesame@/run/redis.sock?db=2", "unix:///run/redis.sock#2"),
    ],
)
def test_a_place_is_the_same_for_every_url_that_leads_there(url: str, place: str) -> None:
    assert RedisSessionStore(url, ttl_s=None).place == place
