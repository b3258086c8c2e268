"""A model appears in the cache whole or not at all, and is trusted only as it was written."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ModelUnavailable, OutOfSpace
from nexxi_cli.infrastructure.models.cache import CachedModel, ModelCache

SOURCE = {"sha256": "ab"}

SLOW_BUILDER = """
import sys, time
from pathlib import Path
from nexxi_cli.infrastructure.models.cache import ModelCache

def write(folder):
    (folder / "weights").write_text("half")
    print("writing", flush=True)
    time.sleep(60)

cache = ModelCache(Path(sys.argv[1]))
with cache.lock("tiny"):
    cache.build("tiny", {"sha256": "ab"}, write)
"""


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "cache")


def writes(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "weights").write_text(text)

    return write


def built(cache: ModelCache, text: str = "whole", name: str = "tiny") -> CachedModel:
    with cache.lock(name):
        return cache.build(name, SOURCE, writes(text))


def test_what_was_built_is_found(cache: ModelCache) -> None:
    model = built(cache)
    assert cache.find("tiny", source=SOURCE) == model
    assert (model.path / "weights").read_text() == "whole"
    assert model.damaged_files() == []


def test_nothing_is_found_in_an_empty_cache(cache: ModelCache) -> None:
    assert cache.find("tiny") is None
    assert list(cache.all()) == []


def test_a_build_that_fails_leaves_nothing(cache: ModelCache) -> None:
    def write(folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise ModelUnavailable("broken")

    with cache.lock("tiny"), pytest.raises(ModelUnavailable, match="broken"):
        cache.build("tiny", SOURCE, write)
    assert list(cache.models.glob("*/")) == []


def test_a_build_that_fails_leaves_the_old_model(cache: ModelCache) -> None:
    old = built(cache)
    with cache.lock("tiny"), pytest.raises(ModelUnavailable):
        cache.build("tiny", {"sha256": "cd"}, lambda folder: folder.joinpath("missing").rename("x"))
    assert cache.find("tiny", source=SOURCE) == old


def test_a_killed_build_leaves_nothing_that_is_found_and_the_next_one_cleans_up(cache: ModelCache) -> None:
    builder = subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILDER, str(cache.models.parent)], stdout=subprocess.PIPE, text=True
    )
    with builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "writing\n"
        builder.kill()
    assert cache.find("tiny") is None
    assert list(cache.all()) == []
    model = built(cache)
    assert list(cache.models.glob("*/")) == [model.path]


def test_a_rebuild_replaces_the_model(cache: ModelCache) -> None:
    built(cache, "old")
    assert (built(cache, "new").path / "weights").read_text() == "new"


def test_a_model_of_another_format_is_not_trusted(cache: ModelCache) -> None:
    manifest = built(cache).path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 0}))
    assert cache.find("tiny") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '"x"'])
def test_a_broken_manifest_is_not_trusted(cache: ModelCache, text: str) -> None:
    (built(cache).path / "manifest.json").write_text(text)
    assert cache.find("tiny") is None
    assert list(cache.all()) == []


def test_a_truncated_or_missing_file_is_not_trusted(cache: ModelCache) -> None:
    model = built(cache)
    (model.path / "weights").write_text("who")
    assert cache.find("tiny") is None
    (model.path / "weights").unlink()
    assert cache.find("tiny") is None


def test_a_changed_file_is_reported_as_damaged(cache: ModelCache) -> None:
    model = built(cache)
    (model.path / "weights").write_text("wholf")
    assert model.damaged_files() == ["weights"]


def test_a_model_from_another_source_is_not_taken(cache: ModelCache) -> None:
    built(cache)
    assert cache.find("tiny", source={"sha256": "cd"}) is None


def test_a_removed_model_is_gone_with_its_download(cache: ModelCache) -> None:
    built(cache)
    cache.weights.mkdir()
    download = cache.weights / "ab.gguf"
    download.touch()
    assert cache.remove("tiny")
    assert cache.find("tiny") is None
    assert not download.exists()
    assert not cache.remove("tiny")


@pytest.mark.parametrize("name", ["../outside", "..", ".", "", "tiny/../../outside"])
def test_a_name_that_leads_out_of_the_cache_removes_nothing(cache: ModelCache, name: str) -> None:
    built(cache)
    outside = cache.models.parent / "outside"
    outside.mkdir()
    assert not cache.remove(name)
    assert outside.is_dir()
    assert cache.find("tiny") is not None


def test_who_waits_for_the_lock_is_told_and_then_gets_it(cache: ModelCache) -> None:
    waiting, order = threading.Event(), []

    def second() -> None:
        with cache.lock("tiny", waiting=waiting.set):
            order.append("second")

    with cache.lock("tiny"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_full_disk_is_told_beforehand_with_both_sizes(cache: ModelCache) -> None:
    with pytest.raises(OutOfSpace, match=r"MB free, 1000000000000 MB are needed.*XDG_CACHE_HOME"):
        cache.need_room(10**18)


def test_a_cache_that_cannot_be_written_is_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(ModelUnavailable, match=r"cannot be used: .*set XDG_CACHE_HOME"):
        built(ModelCache(tmp_path / "cache"))
