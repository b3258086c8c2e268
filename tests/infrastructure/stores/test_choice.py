"""Which store the settings choose."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.observability.silence import SILENT
from nexxi_cli.wiring import open_app, session_store
from tests.contracts.sessions import a_session
from tests.infrastructure.stores.calls import refusal_of
from tests.infrastructure.stores.others import run_python
from tests.infrastructure.stores.spooled import a_session_with_a_turn
from tests.redis_process import RedisProcess


def test_without_a_redis_url_sessions_are_kept_in_a_file(tmp_path: Path) -> None:
    assert isinstance(session_store(Settings(), xdg_paths({"HOME": str(tmp_path)})), SqliteSessionStore)


@pytest.mark.parametrize(
    "url", ["redis://localhost/0", "rediss://:sesame@localhost:6390", "unix:///run/redis.sock?db=1"]
)
def test_a_redis_url_of_any_kind_chooses_redis(tmp_path: Path, url: str) -> None:
    settings = Settings(redis_url=SecretStr(url))
    assert isinstance(session_store(settings, xdg_paths({"HOME": str(tmp_path)})), RedisSessionStore)


def test_turns_wait_only_for_redis_and_only_where_somebody_hears_of_it(tmp_path: Path) -> None:
    paths, redis = xdg_paths({"HOME": str(tmp_path)}), Settings(redis_url=SecretStr("redis://localhost"))
    assert isinstance(session_store(redis, paths, spool_for=SILENT), SpoolingSessionStore)
    assert isinstance(session_store(redis, paths), RedisSessionStore)
    assert isinstance(session_store(Settings(), paths, spool_for=SILENT), SqliteSessionStore)


async def test_a_spooling_app_keeps_turns_in_the_state_folder_and_a_serving_one_refuses(
    tmp_path: Path, own_server: RedisProcess
) -> None:
    paths, redis = xdg_paths({"HOME": str(tmp_path)}), Settings(redis_url=SecretStr(own_server.url))
    own_server.kill()
    async with open_app(redis, paths) as serving:
        assert await refusal_of(serving.store.create(a_session_with_a_turn("one")))
    assert not paths.state.exists()
    async with open_app(redis, paths, spool=True) as client:
        await client.store.create(a_session_with_a_turn("one"))
    assert [file.name for file in paths.state.iterdir()] == ["spool.db"]


async def test_a_session_lives_in_redis_as_long_as_the_settings_say(tmp_path: Path, server: RedisProcess) -> None:
    settings = Settings(redis_url=SecretStr(server.url), session_ttl_s=60)
    store = session_store(settings, xdg_paths({"HOME": str(tmp_path)}))
    session = await store.create(a_session())
    assert 0 < server.client.ttl(f"nexxi:session:{session.session_id}") <= 60
    await store.aclose()


def test_the_library_is_loaded_only_for_a_redis_url() -> None:
    done = run_python(
        "import sys; from nexxi_cli.wiring import session_store; from nexxi_cli.core.settings import Settings\n"
        "from nexxi_cli.core.paths import xdg_paths\n"
        "paths = xdg_paths({'HOME': '/nonexistent'})\n"
        "session_store(Settings(), paths); print('redis' in sys.modules)\n"
        "session_store(Settings(redis_url='redis://localhost'), paths); print('redis' in sys.modules)\n"
    )
    assert done.stdout.split() == ["False", "True"], done.stderr
