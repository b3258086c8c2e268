"""Models of the hub: downloaded once, whole; a hub that is not there is told within ten seconds, in one line."""

import subprocess
import sys
import time
from pathlib import Path
from socket import create_server

import pytest

from tests.infrastructure.models.fake_hub import FakeHub, running

LIMIT_S = 10


@pytest.fixture
def hub_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
    return home


def pull(name: str = "test/tiny") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nexxi_cli", "models", "pull", name], capture_output=True, text=True, timeout=60
    )


def refused(expected: str, *, code: int = 6) -> None:
    began = time.monotonic()
    done = pull()
    assert done.returncode == code, done.stderr
    assert expected in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < LIMIT_S


def test_a_model_is_downloaded_and_then_found_without_the_hub(
    hub_home: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(FakeHub(tiny_folder)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        first = pull()
        assert first.returncode == 0, first.stderr
        asked = len(hub.asked)
        assert pull().returncode == 0
        assert len(hub.asked) == asked
    listed = subprocess.run(
        [sys.executable, "-m", "nexxi_cli", "models", "list"], capture_output=True, text=True, check=True
    )
    assert "test/tiny" in listed.stdout


def test_a_model_of_the_hub_is_removed(hub_home: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeHub(tiny_folder)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert pull().returncode == 0
    command = [sys.executable, "-m", "nexxi_cli", "models", "rm", "test/tiny", "--yes"]
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_a_hub_that_refuses_connections_is_one_line(hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    refused("the model hub cannot be reached for test/tiny")


@pytest.mark.slow
def test_a_hub_that_never_answers_is_given_up(hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        refused("the model hub cannot be reached for test/tiny")


def test_a_hub_whose_name_is_unknown_is_one_line(hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")  # RFC 2606
    refused("the model hub cannot be reached for test/tiny")


def test_an_unknown_repository_is_not_found(hub_home: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeHub(tiny_folder, refusal=404)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        refused("the hub has no model test/tiny", code=1)


def test_a_gated_repository_says_what_to_do(hub_home: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeHub(tiny_folder, refusal=403)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        refused("accept its terms", code=4)


def test_a_hub_that_breaks_down_is_one_line(hub_home: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeHub(tiny_folder, refusal=500)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        refused("the model hub cannot be reached for test/tiny")


def test_offline_mode_is_respected(hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused("HF_HUB_OFFLINE")


def test_a_repository_without_safetensors_is_refused(
    hub_home: Path, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text((tiny_folder / "config.json").read_text())
    with running(FakeHub(bare)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        refused("has no safetensors")
