"""The file in which turns wait for Redis: private, there only if need be, for one Redis each, and it may fail too."""

from pathlib import Path

import pytest

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from tests.contracts.sessions import a_session, kept
from tests.infrastructure.stores.calls import CALLS, refusal_of
from tests.infrastructure.stores.others import execute, put
from tests.infrastructure.stores.spooled import (
    a_session_with_a_turn,
    client_of,
    questions_in,
)
from tests.redis_process import RedisProcess


async def test_a_redis_that_stays_up_needs_no_spool(client: SpoolingSessionStore, spool: Path) -> None:
    await kept(client, a_session(), "one")
    assert not spool.parent.exists()


async def test_only_the_user_can_read_what_waits(
    redis: RedisProcess, client: SpoolingSessionStore, spool: Path
) -> None:
    redis.kill()
    await client.create(a_session_with_a_turn("one"))
    assert {file.stat().st_mode & 0o777 for file in spool.parent.iterdir()} == {0o600}
    assert spool.parent.stat().st_mode & 0o777 == 0o700


async def test_nothing_stays_in_the_spool(redis: RedisProcess, client: SpoolingSessionStore, spool: Path) -> None:
    redis.kill()
    await client.create(a_session_with_a_turn("one"))
    redis.start()
    await client.recent("ada", limit=9)
    assert execute(spool, "SELECT * FROM waiting") == execute(spool, "SELECT * FROM moved") == []


async def test_where_the_spool_cannot_be_written_the_refusal_of_redis_goes_out(
    redis: RedisProcess, tmp_path: Path
) -> None:
    put(tmp_path / "file")
    async with client_of(redis.url, tmp_path / "file" / "spool.db") as client:
        session_id = await kept(client, a_session(), "one")
        await client.load(session_id)
        redis.kill()
        for call in ("append", "set_system"):
            assert (await refusal_of(CALLS[call](client, session_id))).startswith("Redis at ")
        assert (await refusal_of(client.create(a_session_with_a_turn("one")))).startswith("Redis at ")


@pytest.mark.parametrize("call", CALLS)
async def test_a_spool_that_cannot_be_read_is_named_at_once(
    client: SpoolingSessionStore, spool: Path, call: str
) -> None:
    put(spool, b"something else" * 100)
    session_id = a_session().session_id
    message = await refusal_of(CALLS[call](client, session_id))
    assert message.startswith(f"the turns that wait for Redis in {spool} cannot be used: ")


async def test_a_spool_that_is_read_only_says_what_to_set(unprivileged_path: Path, server: RedisProcess) -> None:
    put(unprivileged_path, mode=0o400)
    async with client_of(server.url, unprivileged_path) as client:
        assert "set XDG_STATE_HOME to a folder that is" in await refusal_of(client.recent("ada", limit=1))


async def test_another_redis_does_not_get_what_waits(redis: RedisProcess, spool: Path) -> None:
    async with client_of(redis.url, spool) as client, client_of(f"{redis.url}?db=1", spool) as other:
        redis.kill()
        session = await client.create(a_session_with_a_turn("one"))
        redis.start()
        assert await other.load(session.session_id) is None
        assert await questions_in(client, session.session_id) == ["one"]
        assert await other.recent("ada", limit=9) == []


async def test_a_refusal_says_which_error_of_the_spool_it_comes_from(redis: RedisProcess, tmp_path: Path) -> None:
    put(tmp_path / "file")
    async with client_of(redis.url, tmp_path / "file" / "spool.db") as client:
        redis.kill()
        with pytest.raises(StoreUnavailable) as refusal:
            await client.create(a_session_with_a_turn("one"))
        assert "spool.db cannot be used" in str(refusal.value.__cause__)
