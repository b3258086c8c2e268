"""Sessions in Redis as a user sees them: shared, expiring, and gone on with from the archive."""

import json
from pathlib import Path

import pytest

from tests.cli.nexxi import refused, said
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


def test_a_frozen_redis_is_told_in_one_line(redis: RedisProcess, lion: str) -> None:
    with redis.frozen():
        assert "did not answer within 1 s" in refused("sessions", "list", code=6)
    assert ids() == [lion]
