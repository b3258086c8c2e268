"""Fixtures for every room: a home of the test's own, the real chat model, and a real Redis."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_process import Postgres
from tests.redis_process import RedisProcess, running_redis

USER_CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: no config, no data, no NEXXI_* variable. Subprocesses inherit it."""
    for variable in [name for name in os.environ if name.startswith("NEXXI_")]:
        monkeypatch.delenv(variable)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable, folder in {
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "cache",
        "XDG_STATE_HOME": "state",
    }.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    return tmp_path


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The folder of the default model, pulled once into the user's cache."""
    from nexxi_cli.infrastructure.models.loader import ModelLoader
    from nexxi_cli.observability.silence import NO_PROGRESS

    return ModelLoader(Path(USER_CACHE) / "nexxi", NO_PROGRESS).pull("smollm2-135m")


@pytest.fixture
def model_home(home: Path, real_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, but with the user's cache, where the real model lies."""
    monkeypatch.setenv("XDG_CACHE_HOME", USER_CACHE)
    return home


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisProcess]:
    """One server for all tests that leave it running; who uses it flushes it first."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests; each takes databases of its own. Its folder lies where the server's user can see it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres")
        yield server
        server.close()


@pytest.fixture(scope="session")
def multi_label_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier that tells threats (kill, hurt) and insults (fool, idiot) from what is calm."""
    from tests.infrastructure.models.tiny_classifier import write_multi_label

    return write_multi_label(tmp_path_factory.mktemp("moderation") / "multi")


@pytest.fixture(scope="session")
def single_label_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one that calls both toxic, and all else neutral."""
    from tests.infrastructure.models.tiny_classifier import write_single_label

    return write_single_label(tmp_path_factory.mktemp("moderation") / "single")
