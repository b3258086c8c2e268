"""`nexxi doctor`: what answers, what does not, and nothing secret."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from tests.cli.nexxi import nexxi, said
from tests.infrastructure.stores.others import put
from tests.infrastructure.stores.spooled import a_session_with_a_turn
from tests.postgres_process import Postgres
from tests.redis_process import RedisProcess

pytestmark = pytest.mark.usefixtures("home")


def states() -> dict[str, str]:
    done = nexxi("doctor", "--json")
    return {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}


def test_a_fresh_home_is_well_but_for_the_model() -> None:
    done = nexxi("doctor", "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert {check["name"]: check["state"] for check in report["checks"]} == {
        "sessions": "ok",
        "archive": "ok",
        "outbox": "ok",
        "spool": "ok",
        "model": "warning",
        "engine": "ok",
    }
    assert report["versions"]["torch"].startswith("2.13.")


def test_it_says_so_in_words(home: Path) -> None:
    words = said("doctor")
    assert f"ok      sessions  {home}/data/nexxi/sessions.db" in words
    assert f"config        {home}/config/nexxi/config.toml" in words


def test_what_is_needed_and_down_is_exit_6_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_REDIS_URL", "redis://:hunter2@127.0.0.1:1/0")
    monkeypatch.setenv("NEXXI_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/x")
    for arguments in (("doctor",), ("doctor", "--json"), ("doctor", "--debug")):
        done = nexxi(*arguments)
        assert done.returncode == 6
        assert "hunter2" not in done.stdout + done.stderr
    assert states()["sessions"] == states()["archive"] == "down"


def test_turns_that_wait_for_redis_are_counted(home: Path, redis_server: RedisProcess) -> None:
    redis_server.client.flushall()
    spool = home / "state" / "nexxi" / "spool.db"
    assert "ok      spool     0 turns wait for Redis" in said("doctor")
    assert not spool.exists()
    asyncio.run(_spool_turns(spool, {redis_server.url: 2, "redis://127.0.0.1:1": 1}))
    place = redis_server.url
    assert f"warning spool     waiting: 1 turn for redis://127.0.0.1:1#0, 2 turns for {place}#0" in said("doctor")
    assert states()["spool"] == "warning"


def test_turns_for_a_redis_that_answers_wait_no_longer(
    home: Path, redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.client.flushall()
    asyncio.run(_spool_turns(home / "state" / "nexxi" / "spool.db", {redis_server.url: 2}))
    monkeypatch.setenv("NEXXI_REDIS_URL", redis_server.url)
    assert states()["spool"] == "ok"


def test_a_spool_that_cannot_be_read_is_down(home: Path) -> None:
    put(home / "state" / "nexxi" / "spool.db", b"something else" * 100)
    done = nexxi("doctor")
    assert done.returncode == 6
    assert "the turns that wait for Redis in" in done.stdout


async def _spool_turns(path: Path, turns: Mapping[str, int]) -> None:
    """As the command line does while these servers are down: so many turns for each, and a change beside."""
    for url, count in turns.items():
        spool = Spool(path, place=RedisSessionStore(url, ttl_s=None).place)
        for _ in range(count):
            session = a_session_with_a_turn("one")
            await spool.add("create", session, write_id=uuid4())
            await spool.add("set_system", replace(session, messages=()), write_id=uuid4())
        await spool.aclose()


def test_redis_answers(redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_REDIS_URL", redis_server.url)
    assert states()["sessions"] == "ok"


def test_a_new_postgresql_is_down_until_it_is_migrated(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_DATABASE_URL", postgres.url(postgres.new_database()))
    done = nexxi("doctor")
    assert done.returncode == 6
    assert "nexxi doctor --migrate" in done.stdout
    assert nexxi("doctor", "--migrate").returncode == 0
    assert states()["archive"] == "ok"


def test_turns_reach_postgresql_once_it_is_migrated(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_DATABASE_URL", postgres.url(postgres.new_database()))
    talk = {"messages": [{"role": "user", "content": "lion"}, {"role": "assistant", "content": "steak"}]}
    said("sessions", "import", "-", text=json.dumps(talk))
    assert nexxi("sessions", "search", "lion").returncode == 6
    said("doctor", "--migrate")
    assert len(said("sessions", "search", "lion").splitlines()) == 1
