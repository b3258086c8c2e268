"""`nexxi models`: what a user sees of the models on the disk."""

import json
from pathlib import Path

import pytest

from tests.cli.nexxi import refused, said

pytestmark = pytest.mark.usefixtures("home")


def test_the_known_models_are_listed_before_any_is_pulled() -> None:
    models = {model["name"]: model for model in json.loads(said("models", "list", "--json"))}
    assert (models["smollm2-135m"]["path"], models["smollm2-135m"]["licence"]) == (None, "Apache-2.0")


def test_a_list_in_a_pipe_is_lines_of_tab_separated_values() -> None:
    first, *_ = said("models", "list").splitlines()
    assert first.split("\t")[:4] == ["smollm2-135m", "135M", "", "not pulled"]


def test_show_tells_what_is_known_of_a_model() -> None:
    facts = [line.split(maxsplit=1) for line in said("models", "show", "mistral-7b").splitlines()]
    assert ["parameters", "7B"] in facts
    assert ["state", "not pulled"] in facts


@pytest.mark.parametrize("command", ["show", "rm"])
def test_a_model_that_is_not_known_is_exit_1(command: str) -> None:
    assert "there is no model 'nosuch' here" in refused("models", command, "nosuch", code=1)


def test_pulling_what_no_name_stands_for_names_the_nearest() -> None:
    assert "did you mean mistral-7b?" in refused("models", "pull", "mistral7b", code=1)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "holds no whole model" in refused("models", "pull", str(tmp_path / "folder"), code=6)


def test_removing_what_was_never_pulled_is_exit_1() -> None:
    assert "not in the cache" in refused("models", "rm", "smollm2-360m", "--yes", code=1)


def test_removing_asks_only_on_a_terminal() -> None:
    assert "add --yes" in refused("models", "rm", "smollm2-360m", code=2)


@pytest.mark.model
@pytest.mark.usefixtures("model_home")
def test_a_pulled_model_is_ready_and_pulling_it_again_is_quick() -> None:
    said("models", "pull", "smollm2-135m")
    models = {model["name"]: model for model in json.loads(said("models", "list", "--json"))}
    assert Path(models["smollm2-135m"]["path"]).is_dir()


@pytest.mark.model
@pytest.mark.usefixtures("model_home")
def test_show_checks_the_files_of_a_pulled_model() -> None:
    assert "ready" in said("models", "show", "smollm2-135m")
