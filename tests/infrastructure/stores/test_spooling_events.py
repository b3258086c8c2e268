"""What observers hear of an outage: one event at its beginning, one at its end, one for each turn that waits."""

from pathlib import Path

from nexxi_cli.core.events import StoreDown, StoreUp, TurnSpooled
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from tests.contracts.sessions import a_session, a_turn, kept
from tests.infrastructure.stores.calls import refusal_of
from tests.infrastructure.stores.spooled import (
    Ears,
    a_client,
    a_session_with_a_turn,
    client_of,
    questions_in,
)
from tests.redis_process import RedisProcess

FULL = "1"  # byte of memory that Redis may use: it answers, and refuses to write


async def test_an_outage_is_told_once_at_its_beginning_and_once_at_its_end(
    redis: RedisProcess, client: SpoolingSessionStore, ears: Ears
) -> None:
    session_id = await kept(client, a_session(), "one")
    assert ears.events == []
    redis.kill()
    await client.append(session_id, a_turn("two"))
    for _ in range(3):
        await refusal_of(client.load(session_id))
    await client.append(session_id, a_turn("three"))
    redis.start()
    for _ in range(3):
        await client.load(session_id)
    assert ears.names == ["StoreDown", "TurnSpooled", "TurnSpooled", "StoreUp"]
    down, spooled, _, up = ears.events
    assert isinstance(down, StoreDown)
    assert down.reason.startswith(f"Redis at {redis.url} cannot be used: ")
    assert spooled == TurnSpooled(session_id)
    assert isinstance(up, StoreUp)
    assert (up.late_turns, up.moved_turns) == (2, 0)
    assert 0 < up.seconds < 60


async def test_an_outage_without_a_turn_ends_too(redis: RedisProcess, client: SpoolingSessionStore, ears: Ears) -> None:
    redis.kill()
    await refusal_of(client.recent("ada", limit=1))
    redis.start()
    await client.recent("ada", limit=1)
    assert ears.names == ["StoreDown", "StoreUp"]
    assert getattr(ears.events[-1], "late_turns", None) == 0


async def test_a_redis_that_answers_but_does_not_write_stays_down_for_those_who_hear_of_it(
    redis: RedisProcess, client: SpoolingSessionStore, ears: Ears
) -> None:
    redis.client.config_set("maxmemory", FULL)
    await client.create(a_session_with_a_turn("one"))
    await client.recent("ada", limit=1)
    await client.create(a_session_with_a_turn("two"))
    assert ears.names == ["StoreDown", "TurnSpooled", "TurnSpooled"]


async def test_a_later_process_writes_what_waits_and_says_how_long_it_did(
    redis: RedisProcess, spool: Path, ears: Ears
) -> None:
    redis.kill()
    earlier = a_client(redis.url, spool)
    session = await earlier.create(a_session_with_a_turn("one"))
    await earlier.aclose()
    redis.start()
    async with client_of(redis.url, spool, ears) as later:
        assert await questions_in(later, session.session_id) == ["one"]
    (up,) = ears.events
    assert isinstance(up, StoreUp)
    assert up.late_turns == 1
    assert up.seconds > 0
