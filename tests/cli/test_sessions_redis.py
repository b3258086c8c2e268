"""Sessions in Redis as a user sees them: shared, expiring, and gone on with from the archive."""

import json
from pathlib import Path

import pytest

from tests.cli.nexxi import nexxi, refused, said
from tests.redis_process import RedisProcess

TALK = {"messages": [{"role": "user", "content": "lion?"}, {"role": "assistant", "content": "steak"}]}


@pytest.fixture
def redis(home: Path, redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> RedisProcess:
    redis_server.client.flushall()
    monkeypatch.setenv("NEXXI_REDIS_URL", redis_server.url)
    return redis_server


@pytest.fixture
def lion(redis: RedisProcess) -> str:
    return said("sessions", "import", "-", text=json.dumps(TALK)).strip()


def ids() -> list[str]:
    return [info["session_id"] for info in json.loads(said("sessions", "list", "--json"))]


def test_another_program_reads_the_session(redis: RedisProcess, lion: str) -> None:
    document = json.loads(redis.client.get(f"nexxi:session:{lion}"))
    assert (document["turn_count"], document["messages"]) == (1, TALK["messages"])


def test_another_home_sees_the_session(lion: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert ids() == [lion]


def test_an_expired_session_is_listed_shown_and_copied(redis: RedisProcess, lion: str) -> None:
    redis.client.flushall()
    assert ids() == [lion]
    assert "steak" in said("sessions", "show", lion, "--raw")
    copy = said("sessions", "fork", lion).strip()
    assert redis.client.exists(f"nexxi:session:{copy}")


def test_a_deleted_session_does_not_come_back_from_the_archive(redis: RedisProcess, lion: str) -> None:
    said("sessions", "delete", lion, "--yes")
    assert ids() == []
    assert "there is no session" in refused("sessions", "show", lion, code=1)


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["words", "json"])
def test_with_an_archive_that_is_down_the_live_sessions_are_listed_and_a_note_says_what_is_missing(
    lion: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NEXXI_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/x")
    done = nexxi("sessions", "list", *arguments)
    assert done.returncode == 0
    assert lion[:8] in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("sessions that have expired are not shown: the archive in PostgreSQL at 127.0.0.1:1/x ")
    assert "hunter2" not in line


def test_sessions_that_have_expired_since_the_last_list_are_listed(redis: RedisProcess, lion: str) -> None:
    assert ids() == [lion]
    other = said("sessions", "import", "-", text=json.dumps(TALK)).strip()
    redis.client.flushall()
    assert set(ids()) == {lion, other}
    assert set(ids()) == {lion, other}


def test_a_frozen_redis_is_told_in_one_line(redis: RedisProcess, lion: str) -> None:
    with redis.frozen():
        assert "did not answer within 1 s" in refused("sessions", "list", code=6)
    assert ids() == [lion]
