"""What a turn and a list cost in Redis: `python -m tests.bench.bench_redis_store [--appends N] [--sessions N]`.

Beside it, in the same run, the SQLite store, and what one would write first: get the document, parse it, add the turn,
set it. Each append is the second one to a new session: the first one to a document that was just written whole has
Redis move it to where it has room to grow. Redis listens on a Unix socket and saves nothing, SQLite waits for the disk.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from nexxi_cli.core.ports import SessionStore
from nexxi_cli.core.types import Session, Turn
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.redis_document import document_of
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore, _create
from tests.contracts.sessions import a_session, a_turn
from tests.redis_process import running_redis

TURNS = (10, 200, 1000)
LISTS = 50
LISTED = 50
TURN = a_turn("q" * 200, "a" * 800)

Create = Callable[[Session], Awaitable[Any]]
Append = Callable[[UUID, Turn], Awaitable[Any]]
Delete = Callable[[UUID], Awaitable[Any]]


def session_of(turns: int) -> Session:
    session = a_session(system="Be brief.")
    info = replace(session.info, turn_count=turns, title="q")
    return Session(info, (*session.messages, *(TURN.user, TURN.assistant) * turns))


def milliseconds(times_s: list[float]) -> str:
    """Median and 99th percentile."""
    times_s = sorted(times_s)
    return f"{1000 * times_s[len(times_s) // 2]:.3f} / {1000 * times_s[len(times_s) * 99 // 100]:.3f}"


async def timed(work: Awaitable[Any]) -> float:
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


async def append_times(create: Create, append: Append, delete: Delete, *, appends: int) -> list[str]:
    cells = []
    for turns in TURNS:
        times_s = []
        for _ in range(appends):
            session = session_of(turns - 1)
            await create(session)
            await append(session.session_id, TURN)
            times_s.append(await timed(append(session.session_id, TURN)))
            await delete(session.session_id)
        cells.append(milliseconds(times_s))
    return cells


async def list_times(store: SessionStore) -> str:
    return milliseconds([await timed(store.recent("ada", limit=LISTED)) for _ in range(LISTS)])


async def measure_redis(url: str, *, appends: int, sessions: int) -> list[str]:
    store = RedisSessionStore(url, ttl_s=1800, timeout_s=30)
    cells = await append_times(store.create, store.append, store.delete, appends=appends)
    for first in range(0, sessions, 100):
        await asyncio.gather(*(store.create(a_session(minute=first + number)) for number in range(100)))
    cells.append(await list_times(store))
    await store.aclose()
    return cells


async def measure_naive(url: str, *, appends: int) -> list[str]:
    client = Redis.from_url(url)

    async def create(session: Session) -> None:
        await client.set(str(session.session_id), document_of(session))

    async def append(session_id: UUID, turn: Turn) -> None:
        document = json.loads(await client.get(str(session_id)) or "{}")
        document["turn_count"] += 1
        document["messages"] += [{"role": m.role, "content": m.content} for m in (turn.user, turn.assistant)]
        await client.set(str(session_id), json.dumps(document), ex=1800)

    async def delete(session_id: UUID) -> None:
        await client.delete(str(session_id))

    cells = await append_times(create, append, delete, appends=appends)
    await client.aclose()
    return [*cells, "-"]


async def measure_sqlite(path: Path, *, appends: int, sessions: int) -> list[str]:
    store = SqliteSessionStore(path)
    cells = await append_times(store.create, store.append, store.delete, appends=appends)
    await store._file.write(lambda file: [_create(file, a_session(minute=number)) for number in range(sessions)])
    cells.append(await list_times(store))
    await store.aclose()
    return cells


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=500, help="for each length of a session")
    parser.add_argument("--sessions", type=int, default=100_000, help="that one owner has when they are listed")
    sizes = parser.parse_args()
    message_chars = sum(len(message.content) for message in (TURN.user, TURN.assistant))
    with running_redis() as server, TemporaryDirectory() as folder:
        rows = {
            "redis": await measure_redis(server.url, appends=sizes.appends, sessions=sizes.sessions),
            "redis, get-parse-set": await measure_naive(server.url, appends=sizes.appends),
            "sqlite": await measure_sqlite(Path(folder) / "s.db", appends=sizes.appends, sessions=sizes.sessions),
        }
    print(f"p50 / p99 in ms; turns of {message_chars} characters; {sizes.appends} appends each, {LISTS} lists")
    titles = ["store", *(f"append at {turns} turns" for turns in TURNS), f"newest {LISTED} of {sizes.sessions}"]
    for cells in (titles, ["---"] * len(titles), *([name, *cells] for name, cells in rows.items())):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    asyncio.run(main())
