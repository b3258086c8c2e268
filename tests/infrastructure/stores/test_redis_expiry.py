"""Sessions that expire, or that others remove: nothing of them is found, and what led to them is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from nexxi_cli.core.errors import NotFound
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.redis_scripts import SWEPT
from tests.contracts.sessions import a_session, a_turn, found, kept, texts
from tests.redis_process import RedisProcess

TTL_S = 1800
TTL_MS = 1000 * TTL_S


@pytest.fixture
async def store(server: RedisProcess) -> AsyncIterator[RedisSessionStore]:
    opened = RedisSessionStore(server.url, ttl_s=TTL_S)
    yield opened
    await opened.aclose()


def key_of(session_id: UUID) -> str:
    return f"nexxi:session:{session_id}"


def expire(server: RedisProcess, *session_ids: UUID) -> None:
    """Let time pass for these documents alone."""
    for session_id in session_ids:
        assert server.client.pexpireat(key_of(session_id), 1)


def ids_in_lists(server: RedisProcess) -> set[str]:
    """Every id that the sorted sets of ada know."""
    recent, ids = (server.client.zrange(f'nexxi:{kind}:"ada"', 0, -1) for kind in ("recent", "ids"))
    assert set(recent) == set(ids)
    return set(recent)


def lives_as_long_as_a_turn_gives(server: RedisProcess, key: str) -> bool:
    return TTL_MS - 10_000 < server.client.pttl(key) <= TTL_MS


async def test_a_session_and_its_name_expire_a_while_after_their_last_turn(
    store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(store, a_session(name="work"))
    for key in (key_of(session_id), 'nexxi:name:"ada":"work"'):
        assert lives_as_long_as_a_turn_gives(server, key)
        server.client.pexpire(key, 60_000)
        await store.append(session_id, a_turn())
        assert lives_as_long_as_a_turn_gives(server, key)


async def test_without_a_time_to_live_nothing_expires(redis_store: RedisSessionStore, server: RedisProcess) -> None:
    await kept(redis_store, a_session(name="work"), "one")
    assert {server.client.pttl(key) for key in server.client.keys("*")} == {-1}


async def test_a_turn_of_a_store_without_a_time_to_live_keeps_the_session(
    store: RedisSessionStore, redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(store, a_session(name="work"))
    await redis_store.append(session_id, a_turn())
    assert {server.client.pttl(key) for key in server.client.keys("*")} == {-1}


@pytest.mark.parametrize("name", ["play", "a long name " * 40])
async def test_only_a_turn_renews_the_time_to_live(store: RedisSessionStore, server: RedisProcess, name: str) -> None:
    session_id = await kept(store, a_session(name="work"), "one")
    server.client.pexpire(key_of(session_id), 60_000)
    await store.set_system(session_id, "Be brief.")
    await store.truncate(session_id, 0)
    await store.rename(session_id, name)
    assert 0 < server.client.pttl(key_of(session_id)) <= 60_000
    (name_key,) = server.client.keys("nexxi:name:*")
    assert 0 < server.client.pttl(name_key) <= 60_000


async def test_a_session_is_gone_once_its_time_has_passed(server: RedisProcess) -> None:
    store = RedisSessionStore(server.url, ttl_s=1)
    session_id = await kept(store, a_session(name="work"), "one")
    await asyncio.sleep(1.05)
    assert await store.load(session_id) is None
    assert await store.recent("ada", limit=9) == []
    assert server.client.keys() == []
    await store.aclose()


async def test_an_expired_session_is_like_one_that_never_was(store: RedisSessionStore, server: RedisProcess) -> None:
    session_id = await kept(store, a_session(name="work"), "one")
    expire(server, session_id)
    assert await store.load(session_id) is None
    assert await store.find("ada", "work") == []
    assert await store.find("ada", str(session_id)) == []
    assert await store.recent("ada", limit=9) == []
    assert not await store.delete(session_id)
    for attempt in (
        store.append(session_id, a_turn()),
        store.truncate(session_id, 0),
        store.set_system(session_id, "Be brief."),
        store.rename(session_id, "play"),
    ):
        with pytest.raises(NotFound, match=str(session_id)):
            await attempt


async def test_the_name_of_an_expired_session_is_free(store: RedisSessionStore, server: RedisProcess) -> None:
    created, renamed = await kept(store, a_session(name="work")), await kept(store, a_session(name="play"))
    expire(server, created, renamed)
    again = await store.create(a_session(name="work"))
    assert again.session_id != created
    await store.rename(again.session_id, "play")
    assert [info.session_id for info in await store.find("ada", "play")] == [again.session_id]


async def test_an_id_that_has_expired_can_come_back_without_its_former_name_or_owner(
    store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(store, a_session(name="work"), "one")
    expire(server, session_id)
    await store.create(a_session(owner="bob", session_id=session_id))
    assert await store.find("ada", "work") == []
    assert await store.find("ada", str(session_id)) == []
    assert await store.recent("ada", limit=9) == []
    assert [info.session_id for info in await store.recent("bob", limit=9)] == [session_id]


async def test_a_page_is_full_although_sessions_have_expired(store: RedisSessionStore, server: RedisProcess) -> None:
    ids = [await kept(store, a_session(minute=-minute)) for minute in range(12)]
    expire(server, *ids[:3], *ids[5:8])
    left = [*ids[3:5], *ids[8:]]
    page = await store.recent("ada", limit=3, offset=1)
    assert [info.session_id for info in page] == left[1:4]
    assert [info.session_id for info in await store.recent("ada", limit=9)] == left
    assert ids_in_lists(server) == {str(session_id) for session_id in left}


async def test_ten_ids_are_found_although_sessions_have_expired(store: RedisSessionStore, server: RedisProcess) -> None:
    ids = [await kept(store, a_session(session_id=UUID(int=number))) for number in range(15)]
    expire(server, *ids[:5])
    assert [info.session_id for info in await store.find("ada", "0000")] == ids[5:]
    assert ids_in_lists(server) == {str(session_id) for session_id in ids[5:]}


async def test_new_sessions_forget_old_ones_that_nobody_lists(store: RedisSessionStore, server: RedisProcess) -> None:
    ids = [await kept(store, a_session(minute=minute)) for minute in range(2 * SWEPT)]
    expire(server, *ids)
    new = [await kept(store, a_session(minute=60 + minute)) for minute in range(2)]
    assert ids_in_lists(server) == {str(session_id) for session_id in new}


async def test_a_turn_leads_to_a_session_again_when_redis_has_evicted_what_led_to_it(
    store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(store, a_session(name="work"))
    server.client.delete('nexxi:recent:"ada"', 'nexxi:ids:"ada"', 'nexxi:name:"ada":"work"')
    await store.append(session_id, a_turn())
    info = (await found(store, session_id)).info
    assert await store.recent("ada", limit=9) == [info]
    assert await store.find("ada", "work") == [info]
    assert await store.find("ada", str(session_id)) == [info]


async def test_a_turn_takes_no_name_from_a_session_that_got_it_meanwhile(
    store: RedisSessionStore, server: RedisProcess
) -> None:
    first = await kept(store, a_session(name="work"))
    server.client.delete('nexxi:name:"ada":"work"')
    second = await kept(store, a_session(name="work"), "two")
    await store.append(first, a_turn())
    await store.delete(first)
    assert texts(await store.create(a_session(name="work"))) == ["two", "re: two"]
    assert [info.session_id for info in await store.find("ada", "work")] == [second]


async def test_deleting_leaves_nothing_in_redis(store: RedisSessionStore, server: RedisProcess) -> None:
    await store.delete(await kept(store, a_session(name="work"), "one"))
    assert not await store.delete(uuid4())
    assert server.client.keys() == []
