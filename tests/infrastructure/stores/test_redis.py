"""What is Redis's own about the sessions: the document that other programs read, and what an append costs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from nexxi_cli.core.ports import SessionStore
from nexxi_cli.core.types import Message, Session
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.redis_document import document_of
from tests.contracts.sessions import a_session, a_turn, found, kept, texts
from tests.redis_process import RedisProcess

LONG = "a name of many words " * 30

Change = Callable[[SessionStore, UUID], Awaitable[Any]]

CHANGES: dict[str, Change] = {
    "append": lambda store, session_id: store.append(session_id, a_turn("three", "re: three", minute=3)),
    "append marked": lambda store, session_id: store.append(session_id, a_turn("three", finish="interrupted")),
    "append with quotes": lambda store, session_id: store.append(session_id, a_turn('", "messages": [', "]}]}")),
    "append of a long model": lambda store, session_id: store.append(session_id, replace(a_turn(), model=LONG)),
    "truncate": lambda store, session_id: store.truncate(session_id, 1),
    "truncate to nothing": lambda store, session_id: store.truncate(session_id, 0),
    "set system": lambda store, session_id: store.set_system(session_id, "Be verbose."),
    "remove system": lambda store, session_id: store.set_system(session_id, None),
    "rename": lambda store, session_id: store.rename(session_id, "play"),
    "rename to a long name": lambda store, session_id: store.rename(session_id, LONG),
    "rename to half a head": lambda store, session_id: store.rename(session_id, '", "title": null, "messages": [{'),
}


def text_of(server: RedisProcess, session_id: UUID) -> str:
    """The document as another program reads it."""
    text = server.client.get(f"nexxi:session:{session_id}")
    assert isinstance(text, str)
    return text


async def test_another_program_reads_a_session_as_one_json_document(
    redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(redis_store, a_session(name="work", system="Be brief."), "one")
    await redis_store.append(session_id, a_turn("two", "re: t", finish="interrupted", minute=2.5))
    document = json.loads(text_of(server, session_id))
    assert document == {
        "session_id": str(session_id),
        "created_at": "2026-01-02T03:04:05.678901+00:00",
        "updated_at": "2026-01-02T03:06:35.678901+00:00",
        "turn_count": 2,
        "owner": "ada",
        "name": "work",
        "title": "one",
        "model": "smollm2-135m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "re: one"},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": "re: t", "finish_reason": "interrupted"},
        ],
    }
    assert list(document)[:4] == ["session_id", "created_at", "updated_at", "turn_count"]
    assert list(document)[-1] == "messages"


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("system", [None, "Be brief."])
async def test_a_document_is_written_the_same_by_every_change(
    redis_store: RedisSessionStore, server: RedisProcess, change: str, system: str | None
) -> None:
    session_id = await kept(redis_store, a_session(name="work", system=system), "one", "two")
    await CHANGES[change](redis_store, session_id)
    text = text_of(server, session_id)
    session = await found(redis_store, session_id)
    assert json.loads(text) == json.loads(document_of(session))
    assert text.partition(', "messages": ')[2] == document_of(session).partition(', "messages": ')[2]
    assert session.info in await redis_store.recent("ada", limit=9)


async def test_a_document_stays_whole_while_its_numbers_grow(
    redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(redis_store, a_session())
    for number in range(1, 102):
        await redis_store.append(session_id, a_turn(f"{number}"))
        document = json.loads(text_of(server, session_id))
        assert (document["turn_count"], len(document["messages"])) == (number, 2 * number)


@pytest.mark.parametrize("text", ["\ud800", "\U0001f602" * 200, "\x00\x7f", '\\\\"'], ids=ascii)
async def test_any_title_and_model_stay_readable(
    redis_store: RedisSessionStore, server: RedisProcess, text: str
) -> None:
    session_id = await kept(redis_store, a_session(owner=text, name=text))
    await redis_store.append(session_id, replace(a_turn(text, text), model=text))
    info = (await found(redis_store, session_id)).info
    assert (info.owner, info.name, info.model) == (text, text, text)
    assert await redis_store.find(text, text) == [info]
    assert text_of(server, session_id).isascii()


async def test_owners_and_names_that_run_together_do_not_meet(redis_store: RedisSessionStore) -> None:
    first = await redis_store.create(a_session(owner='a":"b', name="c"))
    second = await redis_store.create(a_session(owner="a", name='b":"c'))
    assert first.session_id != second.session_id


async def test_a_turn_costs_the_same_traffic_in_a_long_session_as_in_a_short_one(
    redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    async def bytes_of_a_turn(turns: int) -> int:
        turn = (Message("user", "q" * 99), Message("assistant", "a" * 99))
        session = await redis_store.create(Session(a_session().info, turn * turns))
        before = server.client.info("stats")
        await redis_store.append(session.session_id, a_turn())
        after = server.client.info("stats")
        return sum(int(after[name] - before[name]) for name in ("total_net_input_bytes", "total_net_output_bytes"))

    await bytes_of_a_turn(1)  # loads the script
    costs = [await bytes_of_a_turn(turns) for turns in (10, 100, 1000)]
    assert max(costs) - min(costs) < 100


async def test_changes_of_all_kinds_at_once_lose_no_turn(redis_store: RedisSessionStore) -> None:
    session_id = await kept(redis_store, a_session(system="0"))
    await asyncio.gather(
        *(redis_store.append(session_id, a_turn(str(number))) for number in range(40)),
        *(redis_store.set_system(session_id, str(number)) for number in range(8)),
        *(redis_store.rename(session_id, f"name {number}") for number in range(8)),
        *(redis_store.truncate(session_id, 99) for _ in range(4)),
    )
    session = await found(redis_store, session_id)
    assert sorted(texts(session)[1::2], key=int) == [str(number) for number in range(40)]
    assert session.info.turn_count == 40
    assert len(await redis_store.find("ada", session.info.name or "")) == 1


async def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(
    redis_store: RedisSessionStore, server: RedisProcess
) -> None:
    session_id = await kept(redis_store, a_session(), "one")
    server.client.script_flush()
    assert await redis_store.append(session_id, a_turn()) == 2


async def test_a_store_uses_the_database_of_its_url(server: RedisProcess) -> None:
    store = RedisSessionStore(f"{server.url}?db=3", ttl_s=None)
    session = await store.create(a_session())
    await store.aclose()
    assert not server.client.exists(f"nexxi:session:{session.session_id}")
    assert server.client.info("keyspace").keys() == {"db3"}


async def test_a_store_that_was_never_used_has_never_connected() -> None:
    await RedisSessionStore("unix:///nonexistent/redis.sock", ttl_s=None).aclose()
