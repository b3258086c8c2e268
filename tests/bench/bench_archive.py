"""How fast the archive records and searches: `python -m tests.bench.bench_archive [--turns N] [--searches N]`.

The turns are of about 150 words from a vocabulary of 30,000, drawn as in a language (Zipf's law). One half belongs
to one owner, the other half to fifty.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from uuid import UUID

from nexxi_cli.core.archived import ArchivedTurn
from nexxi_cli.core.ports import Archive
from nexxi_cli.core.registry import ARCHIVES, load
from tests.contracts.archived import an_archived_turn
from tests.postgres_process import Postgres

VOCABULARY = 30_000
BATCH = 200
TURNS_A_SESSION = 10

SEARCHES = {
    "a word of every turn": "w0",
    "a word of one turn in ten": "w100",
    "a rare word": "w20000",
    "two common words": "w1 w2",
    "a common and a rare word": "w0 w15000",
    "words that stand together": "w0-w1",
    "an unknown word": "nowhere",
}


def turns(count: int) -> Iterator[ArchivedTurn]:
    rng = random.Random(1)
    words = [f"w{rank}" for rank in range(VOCABULARY)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(VOCABULARY)))
    for index in range(count):
        session, number = divmod(index, TURNS_A_SESSION)
        text = rng.choices(words, cum_weights=weights, k=150)
        owner = "ada" if session % 2 else f"owner-{session % 100}"
        yield an_archived_turn(
            " ".join(text[:30]),
            " ".join(text[30:]),
            session_id=UUID(int=session),
            number=number + 1,
            owner=owner,
            minute=index,
        )


class SqlitePlace:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "archive.db"

    def open(self) -> Archive:
        archive: Archive = load(ARCHIVES, "sqlite")(f"sqlite:///{self._path}")
        return archive

    def settle(self) -> None:
        """Nothing has to be done."""

    def close(self) -> None:
        """Nothing has to be stopped."""


class PostgresqlPlace:
    def __init__(self, folder: Path) -> None:
        self._server = Postgres(folder)
        self._database = self._server.new_database()

    def open(self) -> Archive:
        archive: Archive = load(ARCHIVES, "postgresql")(self._server.url(self._database))
        return archive

    def settle(self) -> None:
        """What the server does by itself within a minute or so: without statistics it cannot plan."""
        self._server.execute("VACUUM ANALYZE", database=self._database)

    def close(self) -> None:
        self._server.close()


async def record(archive: Archive, turn_count: int) -> float:
    """Turns a second; making them up does not count."""
    source, recording_s = turns(turn_count), 0.0
    while batch := list(islice(source, BATCH)):
        began = time.perf_counter()
        await archive.record(batch)
        recording_s += time.perf_counter() - began
    return turn_count / recording_s


async def search(archive: Archive, owner: str, query: str, *, times: int) -> tuple[list[float], int]:
    """Milliseconds, the shortest first, and the number of hits."""
    taken, hits = [], 0
    for _ in range(times):
        began = time.perf_counter()
        hits = len(await archive.search(owner, query, limit=20))
        taken.append(1000 * (time.perf_counter() - began))
    return sorted(taken), hits


async def measure(kind: str, place: SqlitePlace | PostgresqlPlace, *, turn_count: int, searches: int) -> None:
    archive = place.open()
    await archive.migrate()
    print(f"{kind:<12}{'record, turns a second':<42}{await record(archive, turn_count):>10.0f}")
    place.settle()
    for owner in ("ada", "owner-2"):
        for label, query in SEARCHES.items():
            taken, hits = await search(archive, owner, query, times=searches)
            middle, slowest = taken[len(taken) // 2], taken[-1]
            print(f"{kind:<12}{f'{label}, of {owner}':<42}{middle:>10.1f}{slowest:>10.1f}{hits:>8}")
    await archive.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=20)
    arguments = parser.parse_args()
    print(f"{'database':<12}{f'{arguments.turns} turns':<42}{'median ms':>10}{'worst ms':>10}{'hits':>8}")
    for kind, make in (("sqlite", SqlitePlace), ("postgresql", PostgresqlPlace)):
        with tempfile.TemporaryDirectory() as folder:
            place = make(Path(folder) / kind)
            try:
                asyncio.run(measure(kind, place, turn_count=arguments.turns, searches=arguments.searches))
            finally:
                place.close()


if __name__ == "__main__":
    main()
