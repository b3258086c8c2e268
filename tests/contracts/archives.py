"""Where a contract suite keeps its archive: a place that any process can open."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from nexxi_cli.core.registry import ARCHIVES, load
from nexxi_cli.infrastructure.archive.sql import SqlArchive
from tests.postgres_process import Postgres


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    url: str

    def open(self) -> SqlArchive:
        archive: SqlArchive = load(ARCHIVES, self.url.partition(":")[0])(self.url)
        return archive


def migrated_template(postgres: Postgres) -> str:
    name = postgres.new_database()

    async def migrate() -> None:
        async with aclosing(ArchivePlace(postgres.url(name)).open()) as archive:
            await archive.migrate()

    asyncio.run(migrate())
    return name
