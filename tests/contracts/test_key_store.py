"""What every KeyStore does with keys: it keeps them as they are, for all processes, and no revocation is undone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from nexxi_cli.core.access import SCOPES
from nexxi_cli.core.errors import ArchiveUnavailable, NotFound
from nexxi_cli.core.registry import KEY_STORES, load
from nexxi_cli.infrastructure.archive.keys import SqlKeyStore
from tests.contracts.archived import recorded
from tests.contracts.archives import ArchivePlace
from tests.contracts.keys import a_key
from tests.contracts.sessions import at
from tests.postgres_process import Postgres


def opened(url: str) -> SqlKeyStore:
    store: SqlKeyStore = load(KEY_STORES, url.partition(":")[0])(url)
    return store


@pytest.fixture
async def store(archive_place: ArchivePlace) -> AsyncIterator[SqlKeyStore]:
    async with aclosing(opened(archive_place.url)) as store:
        yield store


async def test_a_new_store_has_no_keys(store: SqlKeyStore) -> None:
    assert await store.all() == []


async def test_a_key_comes_back_as_it_was(store: SqlKeyStore) -> None:
    plain = a_key()
    full = a_key(
        "wxyz5678",
        minute=1,
        name="Ünïcode \x00 \x1a",
        owner="local",
        digest=b"\x00\xff" * 16,
        scopes=frozenset(SCOPES),
        expires_at=at(5),
        revoked_at=at(6),
        requests_per_minute=1,
        tokens_per_minute=10**12,
    )
    for key in (plain, full):
        await store.add(key)
    assert await store.all() == [plain, full]


async def test_the_oldest_key_is_first(store: SqlKeyStore) -> None:
    for key_id, minute in (("c", 2), ("b", 1), ("a", 3)):
        await store.add(a_key(key_id, minute=minute))
    assert [key.key_id for key in await store.all()] == ["b", "c", "a"]


async def test_a_key_is_seen_at_once_by_whoever_else_has_the_place_open(
    store: SqlKeyStore, archive_place: ArchivePlace
) -> None:
    async with aclosing(opened(archive_place.url)) as other:
        assert await other.all() == []
        await store.add(a_key())
        assert await other.all() == [a_key()]


async def test_a_changed_key_is_changed_and_no_other(store: SqlKeyStore) -> None:
    other, key = a_key("other"), a_key("this", minute=1)
    for each in (other, key):
        await store.add(each)
    changed = replace(key, expires_at=at(9), revoked_at=at(8), scopes=frozenset({"metrics"}), tokens_per_minute=7)
    await store.change(changed)
    assert await store.all() == [other, changed]


async def test_changing_a_key_that_is_not_there_is_refused(store: SqlKeyStore) -> None:
    with pytest.raises(NotFound, match="'abcd1234'"):
        await store.change(a_key())
    assert await store.all() == []


async def test_whoever_changes_a_key_without_knowing_of_its_revocation_does_not_undo_it(store: SqlKeyStore) -> None:
    await store.add(a_key())
    await store.change(a_key(revoked_at=at(1)))
    await store.change(a_key(expires_at=at(9)))
    assert await store.all() == [a_key(revoked_at=at(1), expires_at=at(9))]


async def test_an_id_is_given_once(store: SqlKeyStore) -> None:
    await store.add(a_key())
    with pytest.raises(ArchiveUnavailable):
        await store.add(a_key(name="another"))
    assert await store.all() == [a_key()]


async def test_keys_that_are_added_at_once_are_all_kept(store: SqlKeyStore) -> None:
    await asyncio.gather(*(store.add(a_key(f"key{number:02}")) for number in range(20)))
    assert [key.key_id for key in await store.all()] == [f"key{number:02}" for number in range(20)]


async def test_archive_and_keys_open_a_new_file_at_once(tmp_path: Path) -> None:
    place = ArchivePlace(f"sqlite:///{tmp_path / 'new' / 'archive.db'}")
    async with aclosing(place.open()) as archive, aclosing(opened(place.url)) as store:
        session_id, _ = await asyncio.gather(recorded(archive, "one"), store.add(a_key()))
        assert await store.all() == [a_key()]
        assert await archive.load(session_id) is not None


async def test_postgresql_asks_for_the_table(postgres: Postgres) -> None:
    async with aclosing(opened(postgres.url(postgres.new_database()))) as store:
        with pytest.raises(ArchiveUnavailable, match=r"run nexxi doctor --migrate$"):
            await store.all()


async def test_a_database_that_is_down_refuses_every_method_in_one_line_without_the_password() -> None:
    async with aclosing(opened("postgresql://ada:hunter2@127.0.0.1:1/nexxi")) as store:
        for asked in (store.all(), store.add(a_key()), store.change(a_key())):
            with pytest.raises(ArchiveUnavailable) as refused:
                await asked
            line = str(refused.value)
            assert re.fullmatch(r"the archive in PostgreSQL at 127\.0\.0\.1:1/nexxi cannot be used: .*", line)
            assert "hunter2" not in line
