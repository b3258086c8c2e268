"""The outbox gives the archive what was put in, in order, and loses nothing on the way."""

import stat
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexxi_cli.core.archived import ArchivedTurn, ArchiveEntry
from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.archive.outbox import BATCH_BYTES, OUTBOX, Outbox, OutboxCount
from tests.contracts.archived import a_conversation, an_archived_turn
from tests.infrastructure.archive.archives import MoodyArchive
from tests.infrastructure.stores.others import execute, put, run_python

TEXTS = st.text(st.characters(exclude_categories=[]))  # NUL and halves of surrogate pairs, too
TIMES = st.datetimes(timezones=st.just(UTC))
SECONDS = st.floats(allow_nan=False)
ENTRIES = st.one_of(
    st.builds(
        ArchivedTurn,
        question=TEXTS,
        answer=TEXTS,
        session_created_at=TIMES,
        created_at=TIMES,
        first_token_s=st.none() | SECONDS,
        total_s=SECONDS,
    ),
    *(st.from_type(kind) for kind in get_args(ArchiveEntry) if kind is not ArchivedTurn),
)


async def test_entries_reach_the_archive_in_the_order_in_which_they_came(outbox: Outbox, archive: MoodyArchive) -> None:
    conversation = a_conversation(*(f"question {number}" for number in range(25)))
    await outbox.put(conversation[:5])
    for turn in conversation[5:]:
        await outbox.put([turn])
    assert await outbox.drain(archive, batch=10) == 25
    assert archive.taken == conversation
    assert archive.batches == [10, 10, 5]
    assert await outbox.drain(archive) == 0


async def test_what_is_put_in_survives_the_process(path: Path, outbox: Outbox, archive: MoodyArchive) -> None:
    turn = an_archived_turn()
    async with aclosing(Outbox(path)) as first:
        await first.put([turn])
    assert await outbox.drain(archive) == 1
    assert archive.taken == [turn]


async def test_an_archive_that_is_down_leaves_everything_in_place(outbox: Outbox, archive: MoodyArchive) -> None:
    conversation = a_conversation("one", "two", "three")
    await outbox.put(conversation)
    archive.down = True
    with pytest.raises(ArchiveUnavailable):
        await outbox.drain(archive)
    assert await outbox.count() == OutboxCount(waiting=3, set_aside=0)
    archive.down = False
    await outbox.drain(archive)
    assert archive.taken == conversation


async def test_large_entries_go_in_smaller_batches(outbox: Outbox, archive: MoodyArchive) -> None:
    small, large = an_archived_turn(), an_archived_turn("x" * (BATCH_BYTES + 1))
    await outbox.put([small, large, large, small, small])
    await outbox.drain(archive)
    assert archive.batches == [1, 1, 1, 2]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(ENTRIES, max_size=5))
async def test_any_entry_comes_out_as_it_went_in(outbox: Outbox, entries: list[ArchiveEntry]) -> None:
    archive = MoodyArchive()
    await outbox.put(entries)
    await outbox.drain(archive)
    assert archive.taken == entries
    assert await outbox.count() == OutboxCount(waiting=0, set_aside=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("fields = '{'", "JSONDecodeError"),
        ("fields = '{}'", "ValidationError"),
        ("fields = '[]'", "ValidationError"),
        ("fields = CAST(x'7b80' AS TEXT)", "UnicodeDecodeError"),
        ('fields = replace(fields, \'"number": 2\', \'"number": "many"\')', "ValidationError"),
        ("kind = 'SessionShared'", "unknown kind"),
        ("kind = CAST(x'ff' AS TEXT)", "unknown kind"),
    ],
)
async def test_what_cannot_be_read_is_set_aside_and_stops_nothing(
    path: Path, outbox: Outbox, archive: MoodyArchive, change: str, reason: str
) -> None:
    first, broken, last = a_conversation("one", "two", "three")
    await outbox.put([first, broken, last])
    execute(path, f"UPDATE waiting SET {change} WHERE place = 2")
    assert await outbox.drain(archive, batch=2) == 2
    assert archive.taken == [first, last]
    assert await outbox.count() == OutboxCount(waiting=0, set_aside=1)
    assert execute(path, "SELECT place, reason FROM set_aside") == [(2, reason)]


async def test_what_is_put_in_while_others_drain_is_not_removed_with_what_they_moved(
    outbox: Outbox, archive: MoodyArchive
) -> None:
    early, late = a_conversation("early", "late")

    class Overtaken(MoodyArchive):
        """While it takes the first entry, another process drains the outbox, and a new entry is put in."""

        async def record(self, entries: Sequence[ArchiveEntry]) -> None:
            await super().record(entries)
            if self.calls == 1:
                await outbox.drain(archive)
                await outbox.put([late])

    overtaken = Overtaken()
    await outbox.put([early])
    await outbox.drain(overtaken)
    assert (overtaken.taken, archive.taken) == ([early, late], [early])


async def test_an_outbox_that_cannot_be_written_says_so_in_one_line(path: Path, outbox: Outbox) -> None:
    put(path, b"no database " * 100)
    with pytest.raises(ArchiveUnavailable, match=rf"^the unsent turns in {path} cannot .*; move the file"):
        await outbox.put([an_archived_turn()])


async def test_a_newer_outbox_is_refused(path: Path, outbox: Outbox) -> None:
    path.parent.mkdir()
    execute(path, "PRAGMA user_version = 9")
    with pytest.raises(ArchiveUnavailable, match=f"schema 9, this nexxi knows {len(OUTBOX.steps)}; upgrade nexxi$"):
        await outbox.count()


async def test_only_the_user_can_read_the_outbox(path: Path, outbox: Outbox) -> None:
    await outbox.put([an_archived_turn()])
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_putting_entries_in_loads_no_database_library(path: Path) -> None:
    done = run_python(
        "import asyncio, sys; from pathlib import Path\n"
        "from nexxi_cli.infrastructure.archive.outbox import Outbox\n"
        "from nexxi_cli.infrastructure.archive.writer import ArchiveWriter\n"
        "from tests.contracts.archived import an_archived_turn\n"
        "async def main():\n"
        "    outbox = Outbox(Path(sys.argv[1])); await outbox.put([an_archived_turn()]); await outbox.aclose()\n"
        "asyncio.run(main())\n"
        "print(sorted({'sqlalchemy', 'alembic', 'psycopg', 'aiosqlite'} & set(sys.modules)))",
        path,
    )
    assert done.stdout.strip() == "[]", done.stderr
