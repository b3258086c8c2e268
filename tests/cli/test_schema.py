"""What `--schema` and `--stop` say, and that it comes to the model."""

from pathlib import Path

import pytest

from nexxi_cli.cli.chat import ChatOptions
from nexxi_cli.cli.schema import read_schema
from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, SessionChoice
from tests.cli.scripted import ScriptedBackend, a_repl


def test_the_word_json_means_any_object() -> None:
    assert read_schema("json") == ANY_JSON_OBJECT


def test_all_else_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "json").write_text('{"type": "array"}')
    assert read_schema(str(tmp_path / "json")) == '{"type": "array"}'


@pytest.mark.parametrize("text", ["", "type: object", "{", "[" * 100_000], ids=len)
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "schema").write_text(text)
    with pytest.raises(UsageError, match=r"--schema: .*schema is not JSON: "):
        read_schema(str(tmp_path / "schema"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere cannot be read"):
        read_schema(str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("home")
async def test_stop_strings_and_schema_come_to_the_model_with_the_settings() -> None:
    backend = ScriptedBackend(["{}"])
    options = ChatOptions(session=SessionChoice(), stop=("END", "."), schema="{}")
    async with a_repl(backend, options, seed=3) as repl:
        await repl.answer("Why?")
    (sampling,) = backend.samplings
    assert (sampling.stop, sampling.json_schema, sampling.seed) == (("END", "."), "{}", 3)
