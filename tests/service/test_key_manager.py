"""Keys are made, ended and replaced by their names."""

import re
from datetime import timedelta

import pytest

from nexxi_cli.core.access import ApiKey
from nexxi_cli.core.errors import ArchiveUnavailable, NotFound, UsageError
from nexxi_cli.service.key_manager import KeyManager
from nexxi_cli.service.key_text import key_id_in, new_key_text
from tests.service.conversing import NOON
from tests.service.ringing import CountingDigest, KeyShelf, ManualTime

HOUR = timedelta(hours=1)


class FragileShelf(KeyShelf):
    """Goes down once it has been given a new key."""

    async def add(self, key: ApiKey) -> None:
        await super().add(key)
        self.down = True


@pytest.fixture
def shelf() -> KeyShelf:
    return KeyShelf()


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def manager(shelf: KeyShelf, time: ManualTime) -> KeyManager:
    return KeyManager(shelf, CountingDigest(), now=time.now)


async def states(manager: KeyManager, time: ManualTime) -> list[str]:
    return [key.state(time.now()) for key in await manager.all()]


async def test_a_key_is_its_mark_its_id_and_256_bits(manager: KeyManager) -> None:
    made = await manager.create("ci")
    assert re.fullmatch(r"nxi_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}", made.text)
    assert key_id_in(made.text) == made.key.key_id
    assert made.text not in repr(made)


def test_no_two_keys_are_alike() -> None:
    assert len({new_key_text().key_id for _ in range(1000)}) == 1000


async def test_of_a_key_only_the_digest_is_kept(manager: KeyManager, shelf: KeyShelf) -> None:
    made = await manager.create("ci")
    (kept,) = shelf.keys.values()
    assert kept.digest == CountingDigest()(made.text)
    assert made.text.rpartition("_")[2] not in repr(kept)


async def test_a_key_can_chat_for_ever_and_owns_its_sessions_unless_told_otherwise(manager: KeyManager) -> None:
    key = (await manager.create("ci")).key
    assert (key.scopes, key.expires_at, key.owner) == ({"chat"}, None, f"key:{key.key_id}")
    other = (await manager.create("me", owner="local", scopes={"admin"}, lifetime=HOUR, tokens_per_minute=9)).key
    assert (other.scopes, other.expires_at, other.owner) == ({"admin"}, NOON + HOUR, "local")
    assert (other.requests_per_minute, other.tokens_per_minute) == (None, 9)


@pytest.mark.parametrize("name", ["", "-x", "a b", "../x", "ö", "x" * 65, "a\n", "a/b"])
async def test_what_can_be_no_name_is_refused(manager: KeyManager, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a key's name"):
        await manager.create(name)


@pytest.mark.parametrize("owner", ["", "a/b", "a b", ":x", "x" * 65])
async def test_what_can_be_no_owner_is_refused(manager: KeyManager, owner: str) -> None:
    with pytest.raises(UsageError, match="cannot be an owner"):
        await manager.create("ci", owner=owner)


async def test_a_name_or_id_of_a_live_key_is_taken(manager: KeyManager) -> None:
    key = (await manager.create("ci")).key
    for taken in ("ci", key.key_id):
        with pytest.raises(UsageError, match="already"):
            await manager.create(taken)


async def test_the_name_of_a_key_that_has_ended_is_free(manager: KeyManager, time: ManualTime) -> None:
    await manager.create("ci", lifetime=HOUR)
    await time.go_by(3600)
    await manager.create("ci")
    await manager.revoke("ci")
    await manager.create("ci")
    assert await states(manager, time) == ["expired", "revoked", "live"]


@pytest.mark.parametrize("lifetime", [timedelta(0), -HOUR])
async def test_a_key_that_would_never_live_is_refused(manager: KeyManager, lifetime: timedelta) -> None:
    with pytest.raises(UsageError, match="live for some time"):
        await manager.create("ci", lifetime=lifetime)


async def test_a_key_is_revoked_by_name_and_by_id(manager: KeyManager, time: ManualTime) -> None:
    first, second = (await manager.create("one")).key, (await manager.create("two")).key
    await manager.revoke("one")
    assert await states(manager, time) == ["revoked", "live"]
    assert [key.key_id for key in await manager.revoke(second.key_id)] == [second.key_id]
    assert await states(manager, time) == ["revoked", "revoked"]
    assert first.key_id != second.key_id


@pytest.mark.parametrize("reference", ["ci", "nosuch", "", "\x00"])
async def test_what_is_not_live_cannot_be_revoked_or_rotated(manager: KeyManager, reference: str) -> None:
    await manager.create("ci")
    await manager.revoke("ci")
    for asked in (manager.revoke, manager.rotate):
        with pytest.raises(NotFound, match="no live key"):
            await asked(reference)


async def test_a_rotated_key_differs_in_its_secret_only(manager: KeyManager, time: ManualTime) -> None:
    old = await manager.create("ci", scopes={"metrics"}, requests_per_minute=3, lifetime=HOUR)
    await time.go_by(60)
    new = await manager.rotate("ci")
    assert new.text != old.text
    assert await states(manager, time) == ["revoked", "live"]
    for field in ("name", "owner", "scopes", "requests_per_minute", "tokens_per_minute"):
        assert getattr(new.key, field) == getattr(old.key, field)
    assert new.key.expires_at == time.now() + HOUR


async def test_a_rotated_key_lives_as_long_as_is_asked(manager: KeyManager, time: ManualTime) -> None:
    await manager.create("ci")
    assert (await manager.rotate("ci")).key.expires_at is None
    assert (await manager.rotate("ci", lifetime=HOUR)).key.expires_at == time.now() + HOUR


async def test_with_an_overlap_both_keys_live_for_a_while(manager: KeyManager, time: ManualTime) -> None:
    await manager.create("ci")
    await time.go_by(60)
    await manager.rotate("ci", overlap=HOUR)
    assert await states(manager, time) == ["live", "live"]
    await time.go_by(3600)
    assert await states(manager, time) == ["expired", "live"]


async def test_an_overlap_prolongs_no_key(manager: KeyManager, shelf: KeyShelf) -> None:
    old = (await manager.create("ci", lifetime=HOUR)).key
    await manager.rotate("ci", overlap=2 * HOUR)
    assert shelf.keys[old.key_id].expires_at == NOON + HOUR


async def test_a_name_revokes_the_key_in_overlap_too(manager: KeyManager, time: ManualTime) -> None:
    await manager.create("ci")
    await time.go_by(60)
    await manager.rotate("ci", overlap=HOUR)
    assert len(await manager.revoke("ci")) == 2
    assert await states(manager, time) == ["revoked", "revoked"]


async def test_a_rotation_that_breaks_off_ends_no_key_and_can_be_done_again(time: ManualTime) -> None:
    shelf = FragileShelf()
    manager = KeyManager(shelf, CountingDigest(), now=time.now)
    await manager.create("ci")
    shelf.down = False
    await time.go_by(60)
    with pytest.raises(ArchiveUnavailable):
        await manager.rotate("ci")
    shelf.down = False
    assert await states(manager, time) == ["live", "live"]
    await time.go_by(60)
    manager = KeyManager(KeyShelf(*shelf.keys.values()), CountingDigest(), now=time.now)
    await manager.rotate("ci")
    assert await states(manager, time) == ["revoked", "revoked", "live"]
