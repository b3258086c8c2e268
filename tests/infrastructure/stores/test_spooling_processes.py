"""Several clients with turns that wait, in processes of their own, some of which are killed."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from tests.contracts.sessions import a_session, kept
from tests.infrastructure.stores.others import ROOT, execute
from tests.infrastructure.stores.spooled import client_of, questions_in
from tests.redis_process import RedisProcess

Client = subprocess.Popen[str]
StartClient = Callable[..., Client]

TURNS = 20
WRITERS = ["a", "b", "c"]


@pytest.fixture
def start(redis: RedisProcess, spool: Path) -> Iterator[StartClient]:
    """Starts clients that are ready: label, turns for each session, sessions."""
    with ExitStack() as clients:

        def start(label: str, turns: int, *sessions: UUID) -> Client:
            module = "tests.infrastructure.stores.spooling_process"
            process = subprocess.Popen(
                [sys.executable, "-m", module, redis.url, str(spool), label, str(turns), *map(str, sessions)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            clients.enter_context(process)
            clients.callback(process.kill)
            return process

        yield start


def hear(process: Client, *words: str) -> None:
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in words] == list(words)


def let_go(*processes: Client) -> None:
    """Let all go at once."""
    for process in processes:
        hear(process, "ready")
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def kill(process: Client) -> None:
    """As kill -9 does."""
    process.kill()
    process.wait()


async def sessions_in(redis: RedisProcess, count: int) -> list[UUID]:
    store = RedisSessionStore(redis.url, ttl_s=None)
    ids = [await kept(store, a_session()) for _ in range(count)]
    await store.aclose()
    return ids


def spool_turns(redis: RedisProcess, start: StartClient, sessions: list[UUID]) -> None:
    """Let each writer append to each of the sessions while Redis is down, then kill it; Redis is back at the end."""
    writers = [start(label, TURNS, *sessions) for label in WRITERS]
    for writer in writers:
        hear(writer, "ready")
    redis.kill()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        hear(writer, *["kept"] * TURNS * len(sessions))
        kill(writer)
    redis.start()


def wait_until_delivered(redis: RedisProcess, session_id: UUID, *, turns: int) -> None:
    deadline = time.monotonic() + 30
    while redis.client.strlen(f"nexxi:session:{session_id}") < 1000 * turns:
        assert time.monotonic() < deadline


async def assert_all_are_there_once(redis: RedisProcess, spool: Path, sessions: list[UUID]) -> None:
    async with client_of(redis.url, spool) as client:
        for session_id in sessions:
            questions = await questions_in(client, session_id)
            for label in WRITERS:
                assert [text for text in questions if text[0] == label] == [f"{label} {n}" for n in range(TURNS)]
            assert len(questions) == TURNS * len(WRITERS)
    assert execute(spool, "SELECT * FROM waiting") == []


async def test_turns_that_wait_outlive_the_client_that_is_killed(
    redis: RedisProcess, start: StartClient, spool: Path
) -> None:
    sessions = await sessions_in(redis, 1)
    spool_turns(redis, start, sessions)
    assert execute(spool, "SELECT count(*) FROM waiting") == [(TURNS * len(WRITERS),)]
    await assert_all_are_there_once(redis, spool, sessions)


async def test_clients_that_deliver_at_once_write_each_turn_once_and_in_order(
    redis: RedisProcess, start: StartClient, spool: Path
) -> None:
    sessions = await sessions_in(redis, 2)
    spool_turns(redis, start, sessions)
    clients = [start("deliverer", 0) for _ in range(4)]
    let_go(*clients)
    for client in clients:
        hear(client, "delivered")
    assert execute(spool, "SELECT * FROM waiting") == []
    await assert_all_are_there_once(redis, spool, sessions)


@pytest.mark.parametrize("delivered", [1, 7, 30])
async def test_a_client_that_is_killed_while_it_delivers_leaves_nothing_out_and_nothing_twice(
    redis: RedisProcess, start: StartClient, spool: Path, delivered: int
) -> None:
    sessions = await sessions_in(redis, 1)
    spool_turns(redis, start, sessions)
    client = start("deliverer", 0)
    let_go(client)
    wait_until_delivered(redis, sessions[0], turns=delivered)
    kill(client)
    await assert_all_are_there_once(redis, spool, sessions)


async def test_a_client_whose_redis_is_killed_while_it_delivers_leaves_nothing_out_and_nothing_twice(
    redis: RedisProcess, start: StartClient, spool: Path
) -> None:
    sessions = await sessions_in(redis, 1)
    spool_turns(redis, start, sessions)
    client = start("deliverer", 0)
    let_go(client)
    wait_until_delivered(redis, sessions[0], turns=7)
    redis.kill()
    redis.start()
    await assert_all_are_there_once(redis, spool, sessions)
