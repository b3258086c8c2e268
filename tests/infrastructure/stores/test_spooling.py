"""A Redis that goes down in mid-run: turns wait on this machine and are written once, in order, when it is back.

Sessions that have changed meanwhile: see test_spooling_sessions; several processes: see test_spooling_processes; the
spool's file: see test_spooling_file; what observers hear: see test_spooling_events.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from tests.contracts.sessions import a_session, a_turn, found, kept, texts
from tests.infrastructure.stores.calls import CALLS, refusal_of
from tests.infrastructure.stores.spooled import (
    a_client,
    a_session_with_a_turn,
    client_of,
    questions_in,
)
from tests.redis_process import RedisProcess

FULL = "1"  # byte of memory that Redis may use: it answers, and refuses to write


async def test_a_turn_that_a_killed_redis_did_not_take_is_written_at_the_next_call(
    redis: RedisProcess, client: SpoolingSessionStore
) -> None:
    session_id = await kept(client, a_session(), "one")
    redis.kill()
    assert await client.append(session_id, a_turn("two")) == 2
    redis.start()
    (info,) = await client.recent("ada", limit=9)
    assert info.turn_count == 2
    assert await questions_in(client, session_id) == ["one", "two"]


async def test_a_session_whose_first_turn_waits_takes_further_turns_behind_it(
    redis: RedisProcess, client: SpoolingSessionStore
) -> None:
    redis.kill()
    session = a_session_with_a_turn("one", name="work", system="Be brief.")
    created = await client.create(session)
    assert (created.info.turn_count, created.messages) == (1, session.messages)
    assert [await client.append(session.session_id, a_turn(question)) for question in ("two", "three")] == [2, 3]
    redis.start()
    (info,) = await client.find("ada", "work")
    assert info.session_id == session.session_id
    assert texts(await client.load(session.session_id))[:4] == ["Be brief.", "one", "Because.", "two"]
    assert await client.append(session.session_id, a_turn("four")) == 4


async def test_the_turn_comes_as_it_was(redis: RedisProcess, client: SpoolingSessionStore) -> None:
    session_id = await kept(client, a_session(), "one")
    turn = replace(a_turn("Grüße \x00 👩‍👩‍👧‍👦", '"\\', finish="interrupted", minute=9), model="mistral")
    redis.kill()
    await client.append(session_id, turn)
    redis.start()
    session = await found(client, session_id)
    assert session.messages[2:] == (turn.user, turn.assistant)
    assert (session.info.model, session.info.updated_at) == (turn.model, turn.created_at)


async def test_a_new_system_message_waits_with_its_turn(redis: RedisProcess, client: SpoolingSessionStore) -> None:
    session_id = await kept(client, a_session(system="Be brief."), "one")
    await client.load(session_id)
    redis.kill()
    await client.set_system(session_id, "Be verbose.")
    await client.append(session_id, a_turn("two"))
    redis.start()
    assert texts(await client.load(session_id)) == ["Be verbose.", "one", "re: one", "two", "Because."]


@pytest.mark.parametrize("attempts", [0, 1, 3])
async def test_a_turn_that_a_frozen_redis_takes_too_late_is_there_once(
    redis: RedisProcess, client: SpoolingSessionStore, attempts: int
) -> None:
    session_id = await kept(client, a_session(), "one")
    with redis.frozen():
        await client.append(session_id, a_turn("two"))
        for _ in range(attempts):
            await refusal_of(client.load(session_id))
        await client.append(session_id, a_turn("three"))
    assert await questions_in(client, session_id) == ["one", "two", "three"]


async def test_a_session_that_a_frozen_redis_creates_too_late_is_there_once(
    redis: RedisProcess, client: SpoolingSessionStore
) -> None:
    await client.recent("ada", limit=1)
    with redis.frozen():
        session = await client.create(a_session_with_a_turn("one", name="work"))
        await refusal_of(client.load(session.session_id))
    assert await questions_in(client, session.session_id) == ["one"]
    assert [info.turn_count for info in await client.recent("ada", limit=9)] == [1]


async def test_a_turn_that_was_taken_before_redis_was_killed_is_not_written_again(
    redis: RedisProcess, client: SpoolingSessionStore
) -> None:
    session_id = await kept(client, a_session(), "one")
    with redis.frozen():
        await client.append(session_id, a_turn("two"))
    assert redis.client.get(f"nexxi:session:{session_id}")  # it has done what was sent before
    redis.kill()
    await refusal_of(client.load(session_id))
    redis.start()
    assert await questions_in(client, session_id) == ["one", "two"]


async def test_a_session_is_not_loaded_without_the_turns_that_wait_for_it(
    redis: RedisProcess, client: SpoolingSessionStore
) -> None:
    session_id = await kept(client, a_session(), "one")
    redis.client.config_set("maxmemory", FULL)
    await client.append(session_id, a_turn("two"))
    assert "raise its maxmemory" in await refusal_of(client.load(session_id))
    redis.client.config_set("maxmemory", "0")
    assert await questions_in(client, session_id) == ["one", "two"]


async def test_a_full_redis_can_be_tidied_up_while_turns_wait(
    redis: RedisProcess, client: SpoolingSessionStore
) -> None:
    stays, goes = await kept(client, a_session(), "one"), await kept(client, a_session(name="old"), "two")
    redis.client.config_set("maxmemory", FULL)
    await client.append(stays, a_turn("three"))
    await client.append(goes, a_turn("four"))
    assert len(await client.recent("ada", limit=9)) == 2
    (info,) = await client.find("ada", "old")
    assert await client.delete(info.session_id)
    redis.client.config_set("maxmemory", "0")
    assert await questions_in(client, stays) == ["one", "three"]
    assert [info.session_id for info in await client.recent("ada", limit=9)] == [stays]


@pytest.mark.parametrize("call", sorted(CALLS.keys() - {"append", "set_system", "truncate"}))
async def test_what_cannot_wait_is_refused(redis: RedisProcess, client: SpoolingSessionStore, call: str) -> None:
    session_id = await kept(client, a_session(), "one")
    redis.kill()
    assert await refusal_of(CALLS[call](client, session_id))


@pytest.mark.parametrize("call", ["append", "set_system", "truncate"])
async def test_nothing_waits_for_a_session_that_this_process_has_not_seen(
    redis: RedisProcess, client: SpoolingSessionStore, spool: Path, call: str
) -> None:
    async with client_of(redis.url, spool) as other:
        session_id = await kept(other, a_session(), "one")
    redis.kill()
    assert await refusal_of(CALLS[call](client, session_id))


async def test_a_client_closes_while_redis_is_down(redis: RedisProcess, spool: Path) -> None:
    client = a_client(redis.url, spool)
    redis.kill()
    await client.create(a_session_with_a_turn("one"))
    await client.aclose()
