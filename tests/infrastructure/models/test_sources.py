"""What a model's name stands for."""

from pathlib import Path

import pytest

from nexxi_cli.core.errors import NotFound
from nexxi_cli.infrastructure.models.catalogue import HubRepository, PackagedWeights
from nexxi_cli.infrastructure.models.sources import GgufFile, LocalFolder, resolve


def test_the_default_model_needs_no_hub() -> None:
    assert isinstance(resolve("smollm2-135m"), PackagedWeights)


def test_an_alias_may_stand_for_a_hub_id() -> None:
    assert resolve("mistral-7b") == HubRepository("mistralai/Mistral-7B-Instruct-v0.3")


def test_organisation_and_name_are_a_hub_id() -> None:
    assert resolve("Qwen/Qwen2.5-0.5B-Instruct") == HubRepository("Qwen/Qwen2.5-0.5B-Instruct")


def test_what_exists_on_the_disk_goes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "name").mkdir(parents=True)
    assert resolve("org/name") == LocalFolder(tmp_path / "org" / "name")


def test_a_file_is_taken_for_a_gguf(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").touch()
    assert resolve(str(tmp_path / "x.gguf")) == GgufFile(tmp_path / "x.gguf")


@pytest.mark.parametrize("name", ["./none", "/none/there", "../../none", "~/none", "none.gguf", "a/b/c", "org/x.gguf"])
def test_a_path_that_is_not_there_is_not_asked_of_the_hub(name: str) -> None:
    with pytest.raises(NotFound, match=f"no model file or folder {name}"):
        resolve(name)


def test_an_unknown_alias_names_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"'smollm2-134m'.*did you mean smollm2-135m\?"):
        resolve("smollm2-134m")


@pytest.mark.parametrize("name", ["", " ", "x", "-", "a b", "org/na me", "\x00"])
def test_what_is_nothing_says_so_on_one_line(name: str) -> None:
    with pytest.raises(NotFound) as refusal:
        resolve(name)
    assert "\n" not in str(refusal.value)
