"""ModelLoader: whatever the user names becomes a folder that loads, made once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ModelUnavailable, NotFound
from nexxi_cli.infrastructure.models.loader import ModelLoader
from tests.infrastructure.models.progress import RecordedProgress

PULL = """
import sys
from pathlib import Path
from nexxi_cli.infrastructure.models.loader import ModelLoader
from nexxi_cli.observability.silence import NO_PROGRESS
print(ModelLoader(Path(sys.argv[1]), NO_PROGRESS).pull(sys.argv[2]))
"""


@pytest.fixture
def loader(tmp_path: Path, progress: RecordedProgress, home: Path) -> ModelLoader:
    return ModelLoader(tmp_path / "models", progress)


@pytest.fixture
def gguf(tmp_path: Path, tiny_gguf: Path) -> Path:
    return Path(shutil.copy(tiny_gguf, tmp_path / "Tiny Model.gguf"))


def test_a_folder_is_used_where_it_lies(loader: ModelLoader, tiny_folder: Path) -> None:
    folder = loader.provide(str(tiny_folder))
    assert (folder.path, folder.context_length) == (tiny_folder, 64)


def test_a_folder_that_holds_no_model_is_refused(loader: ModelLoader, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="holds no whole model"):
        loader.provide(str(tmp_path))


def test_a_gguf_is_converted_once(loader: ModelLoader, gguf: Path, progress: RecordedProgress) -> None:
    first = loader.provide(str(gguf))
    steps = len(progress.steps)
    assert (loader.provide(str(gguf)).path, len(progress.steps)) == (first.path, steps)
    assert first.path.name.startswith("tiny-model-")


def test_a_gguf_that_changed_is_converted_again(loader: ModelLoader, gguf: Path, progress: RecordedProgress) -> None:
    loader.provide(str(gguf))
    steps = len(progress.steps)
    gguf.write_bytes(gguf.read_bytes())
    loader.provide(str(gguf))
    assert len(progress.steps) == 2 * steps


def test_a_model_written_by_another_version_is_converted_again(
    loader: ModelLoader, gguf: Path, progress: RecordedProgress
) -> None:
    manifest = loader.provide(str(gguf)).path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    steps = len(progress.steps)
    loader.provide(str(gguf))
    assert len(progress.steps) == 2 * steps


def test_two_processes_that_pull_at_once_make_one_whole_model(tmp_path: Path, gguf: Path) -> None:
    pulls = [
        subprocess.Popen(
            [sys.executable, "-c", PULL, str(tmp_path / "models"), str(gguf)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [pull.communicate(timeout=120)[0] for pull in pulls]
    assert [pull.returncode for pull in pulls] == [0, 0]
    assert said[0] == said[1]
    assert [path.name for path in Path(said[0].strip()).parent.glob("*/")] == [Path(said[0].strip()).name]


def test_a_conversion_that_fails_leaves_nothing(loader: ModelLoader, gguf: Path, tmp_path: Path) -> None:
    gguf.write_bytes(gguf.read_bytes()[:-1000])
    with pytest.raises(ModelUnavailable):
        loader.provide(str(gguf))
    assert list((tmp_path / "models" / "models").glob("*/")) == []


def test_the_list_shows_the_known_and_the_converted(loader: ModelLoader, gguf: Path) -> None:
    name = loader.provide(str(gguf)).path.name
    listed = {model.name: model for model in loader.list()}
    assert listed["smollm2-135m"].path is None
    assert listed[name].source == str(gguf)
    assert loader.find(name).size_bytes == listed[name].size_bytes


def test_a_removed_model_is_listed_no_more(loader: ModelLoader, gguf: Path) -> None:
    name = loader.provide(str(gguf)).path.name
    loader.remove(name)
    with pytest.raises(NotFound, match=name):
        loader.find(name)
    with pytest.raises(NotFound, match="not in the cache"):
        loader.remove(name)


def test_a_damaged_model_is_found_out(loader: ModelLoader, gguf: Path) -> None:
    folder = loader.provide(str(gguf)).path
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert loader.damaged_files(folder.name) == ["model.safetensors"]
