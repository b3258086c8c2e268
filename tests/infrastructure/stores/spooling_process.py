"""A client in a process of its own: `python -m ...spooling_process URL SPOOL LABEL COUNT SESSION...`.

It loads the sessions, says "ready" and waits for a line on standard input. Then it appends COUNT turns to each of the
sessions in turn and says "kept" after each; with COUNT 0 it asks for a list, which delivers what waits. It ends when
standard input does.
"""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.observability.silence import SILENT
from tests.contracts.sessions import a_turn


async def main(url: str, spool: str, label: str, count: str, *sessions: str) -> None:
    redis = RedisSessionStore(url, ttl_s=None, timeout_s=30)
    store = SpoolingSessionStore(redis, Spool(Path(spool), place=redis.place), SILENT)
    ids = [UUID(session) for session in sessions]
    for session_id in ids:
        await store.load(session_id)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        for session_id in ids:
            await store.append(session_id, a_turn(f"{label} {number}", "x" * 1000))
            print("kept", flush=True)
    if count == "0":
        await store.recent("ada", limit=1)
        print("delivered", flush=True)
    sys.stdin.read()
    await store.aclose()


asyncio.run(main(*sys.argv[1:]))
