"""Turns that are taken back or replaced while Redis is down: once, and none that others have added meanwhile."""

from pathlib import Path

import pytest

from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from tests.contracts.sessions import a_session, a_turn, found, kept
from tests.infrastructure.stores.spooled import FailingStore, client_of, questions_in
from tests.redis_process import RedisProcess


async def test_turns_that_others_have_added_meanwhile_are_not_taken_back(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    session_id = await kept(failing_client, a_session(), "one", "two")
    await failing_client.load(session_id)
    failing.mode = "down"
    await failing_client.truncate(session_id, 1)
    await failing_client.append(session_id, a_turn("two again"))
    await redis_store.append(session_id, a_turn("three"))
    failing.mode = "up"
    assert await questions_in(failing_client, session_id) == ["one", "two", "three", "two again"]


async def test_a_turn_that_another_one_has_replaced_meanwhile_is_not_taken_back(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    session_id = await kept(failing_client, a_session(), "one")
    await failing_client.load(session_id)
    failing.mode = "down"
    await failing_client.truncate(session_id, 0)
    await redis_store.truncate(session_id, 0)
    await redis_store.append(session_id, a_turn("other", minute=9))
    failing.mode = "up"
    assert await questions_in(failing_client, session_id) == ["other"]


@pytest.mark.parametrize("mode", ["down", "deaf"])
async def test_a_turn_is_taken_back_once(
    failing_client: SpoolingSessionStore, failing: FailingStore, mode: str
) -> None:
    session_id = await kept(failing_client, a_session(), "one", "two")
    await failing_client.load(session_id)
    failing.mode = mode
    await failing_client.truncate(session_id, 1)
    await failing_client.append(session_id, a_turn("two again"))
    failing.mode = "up"
    assert await questions_in(failing_client, session_id) == ["one", "two again"]


@pytest.mark.parametrize("mode", ["down", "deaf", "slow"])
async def test_a_turn_that_waits_to_replace_the_last_one_replaces_it_once(
    failing_client: SpoolingSessionStore, failing: FailingStore, server: RedisProcess, spool: Path, mode: str
) -> None:
    session_id = await kept(failing_client, a_session(), "one", "two")
    info = (await found(failing_client, session_id)).info
    failing.mode = mode
    assert await failing_client.append(session_id, a_turn("two again", minute=3), replaces_last_of=info) == 2
    failing.mode = "up"
    async with client_of(server.url, spool) as other:
        assert await questions_in(other, session_id) == ["one", "two again"]
    await failing.catch_up(9)
    assert await questions_in(failing_client, session_id) == ["one", "two again"]
    assert await failing_client.append(session_id, a_turn("three")) == 3


async def test_a_turn_that_waits_to_replace_one_that_others_have_followed_meanwhile_is_added(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    session_id = await kept(failing_client, a_session(), "one", "two")
    info = (await found(failing_client, session_id)).info
    failing.mode = "down"
    await failing_client.append(session_id, a_turn("two again", minute=4), replaces_last_of=info)
    await redis_store.append(session_id, a_turn("three", minute=3))
    failing.mode = "up"
    assert await questions_in(failing_client, session_id) == ["one", "two", "three", "two again"]


async def test_a_turn_that_waits_to_replace_one_of_a_session_that_is_deleted_begins_a_new_session(
    failing_client: SpoolingSessionStore, failing: FailingStore, redis_store: RedisSessionStore
) -> None:
    session_id = await kept(failing_client, a_session(), "one", "two")
    info = (await found(failing_client, session_id)).info
    failing.mode = "down"
    await failing_client.append(session_id, a_turn("two again"), replaces_last_of=info)
    await redis_store.delete(session_id)
    failing.mode = "up"
    assert await questions_in(failing_client, session_id) == ["two again"]
