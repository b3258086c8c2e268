"""A process that tells an archive of turns: `python -m tests.contracts.archive_writer MODE URL OUTBOX LABEL COUNT`.

MODE is `record` (COUNT turns of one session, LABEL being its id, straight into the archive), `put` (the same into the
outbox) or `drain` (the outbox into the archive, one entry at a time). It says "ready" and waits for a line on standard
input; a drain then says how many turns the archive has been given.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

from nexxi_cli.core.archived import ArchivedTurn, ArchiveEntry
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.archive.outbox import Outbox
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from tests.contracts.archived import an_archived_turn
from tests.contracts.archives import ArchivePlace


class TellingArchive(SqlArchive):
    """Says each time how many entries it has been given so far."""

    given = 0

    async def record(self, entries: Sequence[ArchiveEntry]) -> None:
        await super().record(entries)
        self.given += len(entries)
        print(self.given, flush=True)


def turns(session: str, count: int) -> list[ArchivedTurn]:
    session_id = UUID(session)
    return [
        an_archived_turn(f"monad {number}", "x" * 2000, session_id=session_id, number=number)
        for number in range(1, count + 1)
    ]


async def persistently(step: Callable[[], Awaitable[object]]) -> None:
    """Again as long as others keep the file locked for longer than the archive waits."""
    while True:
        try:
            await step()
        except ArchiveUnavailable:
            continue
        return


async def main(mode: str, url: str, outbox_path: str, label: str, count: str) -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    archive, outbox = ArchivePlace(url).open(), Outbox(Path(outbox_path))
    if mode == "drain":
        await persistently(lambda: outbox.drain(TellingArchive(archive._database), batch=1))
    elif mode == "put":
        for turn in turns(label, int(count)):
            await outbox.put([turn])
    else:
        for turn in turns(label, int(count)):
            await persistently(partial(archive.record, [turn]))
    await outbox.aclose()
    await archive.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
