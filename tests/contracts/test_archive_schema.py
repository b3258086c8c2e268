"""What every Archive makes of tables that are missing, older or newer; and that tables and migrations agree."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, text

from nexxi_cli.core.errors import ArchiveUnavailable
from nexxi_cli.infrastructure.archive import layout, migrations, tables
from nexxi_cli.infrastructure.archive.migrating import load_steps
from tests.contracts.archived import recorded
from tests.contracts.archives import ArchivePlace
from tests.contracts.sessions import at
from tests.postgres_process import Postgres

ROOT = Path(__file__).parents[2]


async def say(place: ArchivePlace, version: str) -> None:
    """Let the database say that it has seen this step."""
    archive = place.open()
    await archive.check_schema()
    async with archive._database.engine.begin() as connection:
        await connection.execute(text(f"UPDATE {layout.VERSION_TABLE} SET version_num = '{version}'"))
    await archive.aclose()


async def refusal(place: ArchivePlace) -> str:
    """What a program says that opens the place; the same to every question."""
    archive = place.open()
    with pytest.raises(ArchiveUnavailable) as refused:
        await archive.recent("ada", limit=1)
    with pytest.raises(ArchiveUnavailable, match=re.escape(str(refused.value))):
        await archive.check_schema()
    await archive.aclose()
    return str(refused.value)


def migrate_in_processes(place: ArchivePlace, count: int) -> None:
    code = (
        "import asyncio, sys; from tests.contracts.archives import ArchivePlace\n"
        "async def main():\n"
        "    archive = ArchivePlace(sys.argv[1]).open(); await archive.migrate(); await archive.check_schema()\n"
        "    await archive.aclose()\n"
        "asyncio.run(main())\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, place.url], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, "\n".join(errors)


async def kept_at_the_first_step(place: ArchivePlace) -> UUID:
    """The id of a session, in tables as they were then."""
    archive, session_id, steps = place.open(), uuid4(), load_steps()

    def first_step(connection: Connection) -> None:
        steps.attributes["connection"] = connection
        command.upgrade(steps, "0001")

    await archive._database.prepare()
    row = {"session_id": session_id, "owner": "ada", "model": "m", "turn_count": 0}
    async with archive._database.engine.begin() as connection:
        await connection.run_sync(first_step)
        await connection.execute(insert(tables.sessions).values(**row, created_at=at(0), updated_at=at(0)))
    await archive.aclose()
    return session_id


@pytest.fixture
def empty_place(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> ArchivePlace:
    """A place without tables."""
    if kind == "sqlite":
        return ArchivePlace(f"sqlite:///{tmp_path / 'new' / 'archive.db'}")
    postgres: Postgres = request.getfixturevalue("postgres")
    return ArchivePlace(postgres.url(postgres.new_database()))


async def test_a_newer_schema_is_refused_and_left_alone(archive_place: ArchivePlace) -> None:
    await say(archive_place, "9999")
    assert re.search("has schema 9999, this nexxi knows 0002; upgrade nexxi$", await refusal(archive_place))
    archive = archive_place.open()
    with pytest.raises(ArchiveUnavailable, match="upgrade nexxi"):
        await archive.migrate()
    await archive.aclose()


async def test_migrating_what_is_up_to_date_keeps_everything(archive_place: ArchivePlace) -> None:
    archive = archive_place.open()
    session_id = await recorded(archive, "one")
    await archive.migrate()
    assert await archive.load(session_id) is not None
    await archive.aclose()


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
async def test_processes_that_migrate_at_once_do_not_disturb_each_other(empty_place: ArchivePlace) -> None:
    await asyncio.to_thread(migrate_in_processes, empty_place, 4)


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_sqlite_makes_its_tables_by_itself(empty_place: ArchivePlace) -> None:
    archive = empty_place.open()
    assert await archive.recent("ada", limit=1) == []
    await archive.aclose()


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_postgresql_asks_for_its_tables(empty_place: ArchivePlace) -> None:
    assert re.search("has no tables yet; run nexxi doctor --migrate$", await refusal(empty_place))
    archive = empty_place.open()
    await archive.migrate()
    assert await archive.recent("ada", limit=1) == []
    await archive.aclose()


async def test_postgresql_asks_for_its_older_tables_to_be_migrated(postgres: Postgres, postgres_template: str) -> None:
    place = ArchivePlace(postgres.url(postgres.new_database(postgres_template)))
    await say(place, "0000")
    assert re.search("has schema 0000, older than 0002; run nexxi doctor --migrate$", await refusal(place))


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
async def test_what_the_first_step_has_made_is_brought_up_to_date_with_all_that_is_in_it(
    empty_place: ArchivePlace,
) -> None:
    session_id = await kept_at_the_first_step(empty_place)
    archive = empty_place.open()
    await archive.migrate()
    await archive.check_schema()
    assert await archive.load(session_id) is not None
    await archive.aclose()


async def test_the_migrations_lead_to_the_tables(archive_place: ArchivePlace) -> None:
    archive = archive_place.open()
    await archive.check_schema()

    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, parents: object) -> bool:
            return kind != "table" or name in tables.metadata.tables

        context = MigrationContext.configure(
            connection, opts={"version_table": layout.VERSION_TABLE, "include_name": ours, "compare_type": True}
        )
        return list(compare_metadata(context, tables.metadata))

    async with archive._database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await archive.aclose()


def test_the_newest_migration_is_the_one_that_the_program_knows() -> None:
    assert migrations.__file__ is not None
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [layout.NEWEST]
