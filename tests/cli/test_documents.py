"""The JSON that is printed, and code out of replies."""

import json
from pathlib import Path

import pytest

from nexxi_cli.cli.documents import first_code_block, model_document, to_json
from nexxi_cli.core.types import ListedModel


@pytest.mark.parametrize(
    ("markdown", "code"),
    [
        ("```\na\n```", "a\n"),
        ("text\n\n~~~sh\na\n```\nb\n~~~\n\n```\nc\n```", "a\n```\nb\n"),
        ("- item\n  ```\n  in a list\n  ```", "in a list\n"),
        ("```python\nnever closed", "never closed"),
        ("```\n```", ""),
        ("no code, only `a span`", None),
    ],
)
def test_the_first_fence_is_found(markdown: str, code: str | None) -> None:
    assert first_code_block(markdown) == code


def test_json_keeps_every_script_readable() -> None:
    assert json.loads(to_json({"a": "日本"})) == {"a": "日本"}
    assert "日本" in to_json({"a": "日本"})


def test_a_model_that_is_not_here_has_no_path() -> None:
    assert model_document(ListedModel("m", "hub", None, None))["path"] is None
    assert model_document(ListedModel("m", "hub", Path("/m"), 3))["path"] == "/m"
