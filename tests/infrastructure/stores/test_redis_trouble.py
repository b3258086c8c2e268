"""Redis is down, silent, full or read-only: one line that names it, in time, and nothing kept is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from nexxi_cli.core.errors import NotFound
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from tests.contracts.sessions import a_session, a_turn, found, kept, texts
from tests.infrastructure.stores.calls import CALLS, refusal_of
from tests.redis_process import RedisProcess, running_redis

LIMIT_S = 5.0
"""A call gives up after one second; the rest is for a busy machine. Without a limit it would wait for ever."""


@asynccontextmanager
async def replying(reply: bytes | None) -> AsyncIterator[str]:
    """The URL of a server that replies this to anything, nothing at all (b""), or hangs up (None)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while reply is not None and await reader.read(65536):
            writer.write(reply)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_not_there_is_named(call: str) -> None:
    store = RedisSessionStore("redis://ada:sesame@127.0.0.1:1/2", ttl_s=None)
    message = await refusal_of(CALLS[call](store, uuid4()), secret="sesame")
    assert message.startswith("Redis at redis://127.0.0.1:1/2 cannot be used: ")
    assert message.endswith("; start it, or unset NEXXI_REDIS_URL to keep sessions in a file")
    await store.aclose()


async def test_a_socket_that_is_not_there_is_named() -> None:
    store = RedisSessionStore("unix://ada:sesame@/nonexistent/redis.sock?db=2", ttl_s=None)
    message = await refusal_of(store.recent("ada", limit=1), secret="sesame")
    assert message.startswith("Redis at unix:///nonexistent/redis.sock cannot be used: ")
    await store.aclose()


@pytest.mark.parametrize("call", CALLS)
async def test_a_frozen_server_is_given_up_in_time(
    own_server: RedisProcess, own_store: RedisSessionStore, call: str
) -> None:
    session_id = await kept(own_store, a_session(name="work"), "one")
    with own_server.frozen():
        start = time.monotonic()
        message = await refusal_of(CALLS[call](own_store, session_id))
        assert time.monotonic() - start < LIMIT_S
    assert message.startswith(f"Redis at {own_server.url} did not answer within 0.5 s; start it")


async def test_a_store_gives_up_after_a_second_unless_it_is_told_otherwise(own_server: RedisProcess) -> None:
    store = RedisSessionStore(own_server.url, ttl_s=None)
    with own_server.frozen():
        start = time.monotonic()
        assert "within 1 s" in await refusal_of(store.recent("ada", limit=1))
        assert 0.9 < time.monotonic() - start < LIMIT_S
    await store.aclose()


async def test_many_callers_of_a_frozen_server_wait_no_longer_than_one(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    with own_server.frozen():
        start = time.monotonic()
        await asyncio.gather(*(refusal_of(own_store.recent("ada", limit=1)) for _ in range(100)))
        assert time.monotonic() - start < LIMIT_S


async def test_a_server_that_thaws_answers_the_same_store(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    session_id = await kept(own_store, a_session(), "one")
    with own_server.frozen():
        await refusal_of(own_store.load(session_id))
    assert texts(await own_store.load(session_id)) == ["one", "re: one"]
    assert texts(await own_store.load(session_id)) == ["one", "re: one"]


async def test_a_turn_whose_answer_did_not_come_in_time_is_whole_or_not_there(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    session_id = await kept(own_store, a_session(), "one")
    with own_server.frozen():
        await refusal_of(own_store.append(session_id, a_turn("two", "re: two")))
    session = await found(own_store, session_id)
    assert len(session.messages) == 2 * session.info.turn_count
    assert session.info.turn_count in (1, 2)


async def test_a_server_that_comes_back_empty_answers_the_same_store(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    session_id = await kept(own_store, a_session(name="work"), "one")
    own_server.kill()
    await refusal_of(own_store.append(session_id, a_turn()))
    own_server.start()
    with pytest.raises(NotFound):
        await own_store.append(session_id, a_turn())
    assert texts(await own_store.load(await kept(own_store, a_session(name="work"), "two"))) == ["two", "re: two"]


async def test_a_server_that_was_restarted_unnoticed_answers_the_first_call(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    await kept(own_store, a_session(), "one")
    own_server.kill()
    own_server.start()
    await asyncio.sleep(0.01)  # the event loop hears that the connection is lost
    assert await own_store.recent("ada", limit=9) == []


async def test_a_server_that_is_killed_in_mid_turn_comes_back_with_whole_turns_and_all_that_it_confirmed() -> None:
    with running_redis(appendonly="yes") as server:
        store = RedisSessionStore(server.url, ttl_s=1800)
        session_id = await kept(store, a_session(name="work"))
        confirmed = [0]

        async def write() -> None:
            while True:
                confirmed.append(await store.append(session_id, a_turn("q" * 1000, "a" * 100_000)))

        writing = asyncio.create_task(refusal_of(write()))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(server.kill)
        await writing
        server.start()
        session = await found(store, session_id)
        assert session.info.turn_count >= confirmed[-1] > 0
        assert len(session.messages) == 2 * session.info.turn_count
        assert await store.find("ada", "work") == [session.info] == await store.recent("ada", limit=9)
        await store.aclose()


async def test_a_listener_that_never_answers_is_given_up_in_time() -> None:
    async with replying(b"") as url:
        store = RedisSessionStore(url, ttl_s=None, timeout_s=0.2)
        assert "did not answer within 0.2 s" in await refusal_of(store.recent("ada", limit=1))
        await store.aclose()


async def test_a_server_that_hangs_up_is_named() -> None:
    async with replying(None) as url:
        store = RedisSessionStore(url, ttl_s=None)
        message = await refusal_of(store.recent("ada", limit=1))
        assert message.startswith(f"Redis at {url} cannot be used: ")
        await store.aclose()


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (b"-LOADING Redis is loading the dataset in memory", "it is starting, try again in a moment"),
        (b"-BUSY Redis is busy running a script.", "another program's script holds it, try again"),
        (b"-NOPERM this user has no permissions to run the 'evalsha' command", "let this user run scripts on nexxi:*"),
        (b"-MISCONF Redis is configured to save RDB snapshots, but ...", "it cannot save to its disk, see its log"),
        (b"-ERR max number of clients reached", "raise its maxclients, or close other programs"),
        (b"-ERR something new", "see its log"),
        (b"HTTP/1.1 400 Bad Request", "see its log"),
    ],
)
async def test_a_refusal_comes_with_what_to_try(reply: bytes, advice: str) -> None:
    async with replying(reply + b"\r\n") as url:
        store = RedisSessionStore(url, ttl_s=None)
        message = await refusal_of(store.recent("ada", limit=1))
        assert message.startswith(f"Redis at {url} cannot be used: ")
        assert message.endswith(f"; {advice}")
        await store.aclose()


@pytest.mark.parametrize("user", ["", ":wrong-one@", "nobody:wrong-one@"])
async def test_a_wrong_or_missing_password_is_asked_for_and_never_shown(user: str) -> None:
    with running_redis(requirepass="sesame") as server:
        store = RedisSessionStore(server.url.replace("://", f"://{user}"), ttl_s=None)
        message = await refusal_of(store.recent("ada", limit=1), secret="wrong-one")
        assert message.startswith(f"Redis at {server.url} cannot be used: ")
        assert message.endswith("; set the right one in NEXXI_REDIS_URL, as redis://[user]:password@host:port/db")
        await store.aclose()


async def test_the_right_password_opens_the_server() -> None:
    with running_redis(requirepass="a b/c") as server:
        store = RedisSessionStore(server.url.replace("://", "://:a%20b%2Fc@"), ttl_s=None)
        assert await store.recent("ada", limit=1) == []
        await store.aclose()


async def test_a_database_that_is_not_there_is_named(server: RedisProcess) -> None:
    store = RedisSessionStore(f"{server.url}?db=99", ttl_s=None)
    assert "; choose a database that it has" in await refusal_of(store.recent("ada", limit=1))
    await store.aclose()


async def test_a_full_server_loses_nothing_that_was_kept(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    session_id = await kept(own_store, a_session(name="work"), "one")
    before = await own_store.load(session_id)
    own_server.client.config_set("maxmemory", "1")
    for call in ("create", "append", "truncate", "set_system", "rename"):
        assert "raise its maxmemory, or delete sessions" in await refusal_of(CALLS[call](own_store, session_id))
    assert await own_store.load(session_id) == before
    assert await own_store.find("ada", "work") == await own_store.recent("ada", limit=9)
    assert await own_store.delete(session_id)


async def test_a_replica_can_be_read_and_names_the_primary_as_the_place_to_write(
    own_server: RedisProcess, own_store: RedisSessionStore
) -> None:
    session_id = await kept(own_store, a_session(name="work"), "one")
    own_server.client.replicaof("127.0.0.1", "1")
    for call in ("create", "append", "truncate", "set_system", "rename", "delete"):
        assert "name the primary in NEXXI_REDIS_URL" in await refusal_of(CALLS[call](own_store, session_id))
    assert texts(await own_store.load(session_id)) == ["one", "re: one"]
    assert await own_store.find("ada", "work") == await own_store.recent("ada", limit=9)


async def test_an_append_whose_caller_is_cancelled_is_whole_or_not_there(redis_store: RedisSessionStore) -> None:
    session_id = await kept(redis_store, a_session())
    for loop_passes in range(40):
        append = asyncio.create_task(redis_store.append(session_id, a_turn()))
        for _ in range(loop_passes % 10):
            await asyncio.sleep(0)
        append.cancel()
        await asyncio.wait([append])
    session = await found(redis_store, session_id)
    assert len(session.messages) == 2 * session.info.turn_count


async def test_closing_a_store_whose_server_is_down_or_frozen_is_quiet(own_server: RedisProcess) -> None:
    stores = [RedisSessionStore(own_server.url, ttl_s=None) for _ in range(2)]
    for store in stores:
        await store.recent("ada", limit=1)
    with own_server.frozen():
        await stores[0].aclose()
    own_server.kill()
    await stores[1].aclose()
