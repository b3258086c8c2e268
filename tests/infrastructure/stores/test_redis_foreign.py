"""Keys of ours that hold something else, and URLs that lead nowhere: one line says so, nothing is overwritten."""

from uuid import uuid4

import pytest

from nexxi_cli.core.errors import SettingsError
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from tests.contracts.sessions import a_session, a_turn, kept
from tests.infrastructure.stores.calls import CALLS, OF_ONE_SESSION, refusal_of
from tests.redis_process import RedisProcess

TURN_START = '{"session_id": "x", "created_at": "x", "updated_at": "x", "turn_count": 1, "owner": "ada", "name": null'


@pytest.mark.parametrize("call", OF_ONE_SESSION)
@pytest.mark.parametrize(
    "value",
    [
        b"some text",
        b"\xff\x00",
        b"[" * 100_000,
        b"[1]",
        b'{"session_id": 1, "messages": []}',
        b"x, " + b'"messages": [' * 9,
    ],
    ids=["text", "bytes", "deep", "list", "other fields", "half"],
)
async def test_a_value_that_is_no_session_is_named_and_left_alone(
    redis_store: RedisSessionStore, server: RedisProcess, call: str, value: bytes
) -> None:
    session_id = uuid4()
    server.client.set(f"nexxi:session:{session_id}", value)
    message = await refusal_of(OF_ONE_SESSION[call](redis_store, session_id))
    assert f"has something else than nexxi's own under nexxi:session:{session_id}; delete that key" in message
    assert server.client.execute_command("STRLEN", f"nexxi:session:{session_id}") == len(value)


@pytest.mark.parametrize("call", OF_ONE_SESSION)
async def test_a_key_of_another_type_is_named_and_left_alone(
    redis_store: RedisSessionStore, server: RedisProcess, call: str
) -> None:
    session_id = uuid4()
    server.client.rpush(f"nexxi:session:{session_id}", "some text")
    message = await refusal_of(OF_ONE_SESSION[call](redis_store, session_id))
    assert "nexxi:" in message
    assert server.client.llen(f"nexxi:session:{session_id}") == 1


async def test_a_turn_is_not_added_to_a_document_whose_end_is_another_s(
    redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(redis_store, a_session(), "one")
    server.client.append(f"nexxi:session:{session_id}", "\n")
    before = server.client.get(f"nexxi:session:{session_id}")
    assert str(session_id) in await refusal_of(redis_store.append(session_id, a_turn()))
    assert server.client.get(f"nexxi:session:{session_id}") == before


@pytest.mark.parametrize("value", ["some text", f'{TURN_START}, "title": x, "model": x, "messages": []}}'])
async def test_a_list_with_a_value_that_is_no_session_says_so(
    redis_store: RedisSessionStore, server: RedisProcess, value: str
) -> None:
    session_id = await kept(redis_store, a_session(), "one")
    server.client.set(f"nexxi:session:{session_id}", value)
    assert "delete that key" in await refusal_of(redis_store.recent("ada", limit=9))


@pytest.mark.parametrize(
    "message",
    ['"text"', '{"role": "user"}', '{"role": "judge", "content": ""}', '{"role": "user", "content": 1}'],
)
async def test_a_session_with_something_else_than_messages_is_named(
    redis_store: RedisSessionStore, server: RedisProcess, message: str
) -> None:
    session_id = await kept(redis_store, a_session())
    key = f"nexxi:session:{session_id}"
    server.client.set(key, str(server.client.get(key)).replace("[]", f"[{message}]"))
    assert f"under {key}; delete that key" in await refusal_of(redis_store.load(session_id))


@pytest.mark.parametrize("call", ["create", "append", "delete"])
@pytest.mark.parametrize("kind", ["recent", "ids"])
async def test_another_program_s_key_in_the_place_of_a_list_is_named_and_nothing_is_written(
    redis_store: RedisSessionStore, server: RedisProcess, call: str, kind: str
) -> None:
    session_id = await kept(redis_store, a_session(), "one")
    before = await redis_store.load(session_id)
    server.client.set(f'nexxi:{kind}:"ada"', "some text")
    message = await refusal_of(CALLS[call](redis_store, session_id))
    assert "; a key that begins with nexxi: is another program's; choose another database" in message
    assert await redis_store.load(session_id) == before
    assert len(server.client.keys("nexxi:session:*")) == 1


async def test_another_program_s_key_in_the_place_of_a_name_keeps_no_turn_out(
    redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(redis_store, a_session(name="work"), "one")
    server.client.delete('nexxi:name:"ada":"work"')
    server.client.rpush('nexxi:name:"ada":"work"', "some text")
    assert await redis_store.append(session_id, a_turn()) == 2
    assert await redis_store.delete(session_id)


@pytest.mark.parametrize(
    "url",
    [
        "http://:sesame@localhost/0",
        "sesame",
        "redis://:x/sesame@localhost/0",
        "redis://localhost:sesame/0",
        "redis://localhost/0?sesame=1",
        "redis://localhost/0?socket_timeout=sesame",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^NEXXI_REDIS_URL: ") as refusal:
        RedisSessionStore(url, ttl_s=None)
    assert "sesame" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_store_does_not_show_its_password() -> None:
    assert "sesame" not in repr(vars(RedisSessionStore("redis://:sesame@localhost/0", ttl_s=None)))
