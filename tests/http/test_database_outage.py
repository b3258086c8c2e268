"""PostgreSQL, which has the archive and the keys, is away for a while."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from nexxi_cli.core.events import ArchiveDown, ArchiveUp, KeysDown, KeysUp
from nexxi_cli.service.key_ring import REREAD_S
from tests.contracts.archives import migrated_template
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.test_queue import until
from tests.postgres_process import Postgres

HELLO = {"message": "What is the capital of France?", "session_id": "long"}


@pytest.fixture(scope="module")
def template(postgres: Postgres) -> str:
    return migrated_template(postgres)


@pytest.fixture
def database(postgres: Postgres, template: str) -> str:
    return postgres.new_database(template)


@asynccontextmanager
async def on(postgres: Postgres, database: str, backend: ScriptedBackend, **settings: Any) -> AsyncIterator[Api]:
    url = SecretStr(postgres.url(database))
    async with serving(backend, database_url=url, requests_per_minute=1000, **settings) as api:
        yield api


def archived(postgres: Postgres, database: str) -> list[tuple[object, ...]]:
    """The numbers of the turns that PostgreSQL has."""
    return postgres.execute("SELECT number FROM archive_turns ORDER BY number", database=database)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_replies_go_on_known_keys_hold_and_the_archive_catches_up_once(
    home: Path, postgres: Postgres, database: str, how: str
) -> None:
    async with on(postgres, database, ScriptedBackend()) as api:
        known = {"X-API-Key": (await api.app.key_manager().create("known")).text}

        async def say() -> httpx.Response:
            return await api.client.post("/v1/chat", json=HELLO, headers=known)

        assert (await say()).status_code == 200
        await until(lambda: archived(postgres, database) == [(1,)])
        (postgres.kill if how == "killed" else postgres.freeze)()
        try:
            began = time.monotonic()
            for _ in range(4):
                asked = time.monotonic()
                assert (await say()).status_code == 200
                assert time.monotonic() - asked < 1
                await asyncio.sleep(REREAD_S / 2)
            assert (await api.client.get("/ready")).status_code == 200
            unknown = await api.client.get("/v1/models", headers={"X-API-Key": known["X-API-Key"][:-4] + "aaaa"})
            assert unknown.status_code == 401
        finally:
            (postgres.start if how == "killed" else postgres.thaw)()
        await until(lambda: len(archived(postgres, database)) >= 5, seconds=20)
        assert archived(postgres, database) == [(1,), (2,), (3,), (4,), (5,)]
        await until(lambda: api.events.of(ArchiveUp), seconds=10)
        assert time.monotonic() - began > 3
        assert (await say()).status_code == 200
        for kind in (ArchiveDown, KeysDown, ArchiveUp):
            assert len(api.events.of(kind)) == 1
        assert len(api.events.of(KeysUp)) <= 1


async def test_a_server_that_starts_without_its_database_serves_the_key_of_the_settings(
    home: Path, postgres: Postgres, database: str
) -> None:
    postgres.kill()
    try:
        async with on(postgres, database, ScriptedBackend()) as api:
            assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 200
            stored = await api.client.get("/v1/models", headers={"X-API-Key": "nxi_" + "0" * 8 + "_" + "a" * 43})
            assert stored.status_code in (401, 503)
    finally:
        postgres.start()
    async with on(postgres, database, ScriptedBackend()):
        await until(lambda: archived(postgres, database) == [(1,)], seconds=20)
