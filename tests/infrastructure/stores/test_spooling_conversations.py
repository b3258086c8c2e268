"""A Redis that goes down while a model answers: the reply goes on to its end, and its turn is in Redis later."""

import asyncio
from dataclasses import replace

import pytest

from nexxi_cli.core.errors import ModelUnavailable, StoreUnavailable
from nexxi_cli.core.types import ChatRequest, SessionChoice
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.service.conversations import ConversationManager
from tests.infrastructure.stores.spooled import Ears
from tests.redis_process import RedisProcess
from tests.service.conversing import ManualClock, WordBackend, a_request, say, texts


@pytest.fixture
def conversations(client: SpoolingSessionStore) -> ConversationManager:
    return ConversationManager(client, clock=ManualClock())


async def say_as_redis_dies(
    conversations: ConversationManager, redis: RedisProcess, request: ChatRequest, question: str
) -> str:
    """Kill Redis when the model has begun to answer; return the session's id."""
    async with conversations.turn(request, text=question, backend=WordBackend()) as turn:
        turn.add("Because ")
        await asyncio.to_thread(redis.kill)
        turn.add("of Redis.")
        turn.finish("stop")
    return str(turn.session_id)


async def test_a_redis_that_is_down_at_the_start_is_found_out_before_the_model_is_asked(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    redis.kill()
    for request in (a_request(), a_request("work"), a_request(last=True)):
        backend = WordBackend()
        with pytest.raises(StoreUnavailable):
            async with conversations.turn(request, text="Why?", backend=backend):
                pass
        assert backend.counted == []


async def test_a_frozen_redis_is_found_out_before_the_model_is_asked(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    with redis.frozen(), pytest.raises(StoreUnavailable, match="did not answer within"):
        await say(conversations, a_request())


async def test_the_first_turn_of_a_session_outlives_redis(
    conversations: ConversationManager, redis: RedisProcess, ears: Ears
) -> None:
    session_id = await say_as_redis_dies(conversations, redis, a_request("work", system="Be brief."), "one")
    redis.start()
    await say(conversations, a_request("work"), "two")
    session = await conversations.find("ada", "work")
    assert str(session.session_id) == session_id
    assert texts(session) == ["Be brief.", "one", "Because of Redis.", "two", "Because."]
    assert ears.names == ["StoreDown", "TurnSpooled", "StoreUp"]


async def test_a_further_turn_outlives_redis_with_the_system_message_that_came_with_it(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    await say(conversations, a_request("work"), "one")
    await say_as_redis_dies(conversations, redis, a_request("work", system="Be brief."), "two")
    with pytest.raises(StoreUnavailable):
        await say(conversations, a_request("work"), "never asked")
    redis.start()
    session = await conversations.find("ada", "work")
    assert texts(session) == ["Be brief.", "one", "Because.", "two", "Because of Redis."]


async def test_a_new_answer_that_outlives_redis_takes_the_place_of_the_old_one(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    for question in ("one", "two"):
        await say(conversations, a_request("work"), question)
    again = replace(a_request("work"), replaces_last=True)
    await say_as_redis_dies(conversations, redis, again, "two")
    redis.start()
    assert texts(await conversations.find("ada", "work")) == ["one", "Because.", "two", "Because of Redis."]


async def test_the_part_of_a_reply_that_had_come_outlives_redis_too(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    async def answer() -> None:
        async with conversations.turn(a_request("work"), text="one", backend=WordBackend()) as turn:
            turn.add("Beca")
            await asyncio.to_thread(redis.kill)
            raise ModelUnavailable("gone")

    with pytest.raises(ModelUnavailable) as failure:
        await answer()
    assert not hasattr(failure.value, "__notes__")
    redis.start()
    assert (await conversations.find("ada", "work")).messages[-1].finish == "error"


async def test_a_session_that_another_machine_deletes_meanwhile_goes_on_as_a_new_one(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    session_id = await say(conversations, a_request("work"), "one")
    await say_as_redis_dies(conversations, redis, a_request(session_id), "two")
    redis.start()
    redis.client.delete(f"nexxi:session:{session_id}")
    await say(conversations, a_request(session_id), "three")
    assert texts(await conversations.find("ada", session_id))[::2] == ["two", "three"]
    assert [info.name for info in await conversations.recent("ada", limit=9)] == [None]


async def test_a_chat_that_keeps_nothing_does_not_ask_redis(
    conversations: ConversationManager, redis: RedisProcess
) -> None:
    redis.kill()
    await say(conversations, ChatRequest(text="", owner="ada", session=SessionChoice(), save=False))
