"""A turn that replaces the last one in a Redis that is full, another program's or killed: one of the two is there."""

import asyncio

from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from tests.contracts.sessions import a_session, a_turn, found, kept
from tests.infrastructure.stores.calls import refusal_of
from tests.redis_process import RedisProcess, running_redis


async def test_a_turn_whose_new_answer_cannot_be_written_is_still_there(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    session_id = await kept(own_store, a_session(), "one")
    before = await found(own_store, session_id)
    again = a_turn("one", "again")
    own_server.client.config_set("maxmemory", "1")
    message = await refusal_of(own_store.append(session_id, again, replaces_last_of=before.info))
    assert "raise its maxmemory" in message
    own_server.client.config_set("maxmemory", "0")
    own_server.client.set('nexxi:ids:"ada"', "another program's")
    await refusal_of(own_store.append(session_id, again, replaces_last_of=before.info))
    assert await own_store.load(session_id) == before


async def test_a_turn_that_is_replaced_as_redis_is_killed_is_the_old_or_the_new_one() -> None:
    with running_redis(appendonly="yes") as server:
        store = RedisSessionStore(server.url, ttl_s=1800)
        session_id = await kept(store, a_session(), "one")

        async def write() -> None:
            while True:
                info = (await found(store, session_id)).info
                await store.append(session_id, a_turn("one", "a" * 100_000), replaces_last_of=info)

        writing = asyncio.create_task(refusal_of(write()))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(server.kill)
        await writing
        server.start()
        session = await found(store, session_id)
        assert (session.info.turn_count, session.messages[-1].content) == (1, "a" * 100_000)
        assert len(session.messages) == 2
        await store.aclose()
