"""A process that writes into a store: `python -m tests.contracts.writer KIND ADDRESS SESSION LABEL COUNT ANSWER_CHARS`.

SESSION is an id, or a name to create or to get. It says "ready", waits for a line on standard input, and prints each
turn count that the store has acknowledged.
"""

import asyncio
import sys
from uuid import UUID

from tests.contracts.places import StorePlace
from tests.contracts.sessions import a_session, a_turn


async def main(kind: str, address: str, session: str, label: str, count: str, answer_chars: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    store = StorePlace(kind, address).open()
    try:
        session_id = UUID(session)
    except ValueError:
        session_id = (await store.create(a_session(name=session))).session_id
    for number in range(int(count)):
        turn_count = await store.append(session_id, a_turn(f"{label} {number}", "x" * int(answer_chars)))
        print(turn_count, flush=True)
    await store.aclose()


asyncio.run(main(*sys.argv[1:]))
