"""A key that the manager of one App makes opens the ring of another, under the same secret and no other."""

import stat
from pathlib import Path

import pytest

from nexxi_cli.core.errors import NotAuthorised
from nexxi_cli.core.paths import Paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.wiring import open_app

SECRET = "a secret of 16 characters or more"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(*(tmp_path / name for name in ("config", "data", "cache", "state", "runtime")))


async def made(paths: Paths, **settings: object) -> str:
    async with open_app(Settings.model_validate(settings), paths) as app:
        return (await app.key_manager().create("ci")).text


async def test_a_new_key_opens_and_is_hashed_with_a_secret_in_a_file(paths: Paths) -> None:
    text = await made(paths)
    async with open_app(Settings(), paths) as app:
        assert (await app.key_ring().caller(text)).key_name == "ci"
        assert app.key_ring() is app.key_ring()
    assert stat.S_IMODE((paths.data / "key-secret").stat().st_mode) == 0o600


async def test_a_secret_of_the_settings_makes_no_file(paths: Paths) -> None:
    text = await made(paths, key_secret=SECRET)
    async with open_app(Settings.model_validate({"key_secret": SECRET}), paths) as app:
        assert (await app.key_ring().caller(text)).key_name == "ci"
    assert not (paths.data / "key-secret").exists()


async def test_under_another_secret_no_key_is_valid(paths: Paths) -> None:
    text = await made(paths, key_secret=SECRET)
    async with open_app(Settings.model_validate({"key_secret": SECRET.upper()}), paths) as app:
        with pytest.raises(NotAuthorised):
            await app.key_ring().caller(text)


async def test_the_settings_say_what_a_key_may_do_and_which_needs_no_store(paths: Paths) -> None:
    settings = {"api_key": "hunter22", "requests_per_minute": 7, "tokens_per_minute": 9}
    async with open_app(Settings.model_validate(settings), paths) as app:
        caller = await app.key_ring().caller("hunter22")
        assert (caller.owner, caller.requests_per_minute, caller.tokens_per_minute) == ("local", 7, 9)
    assert not (paths.data / "archive.db").exists()
