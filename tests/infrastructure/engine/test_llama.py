"""The arithmetic of each family agrees with transformers', however the text is cut."""

from pathlib import Path
from typing import Any

import pytest
import torch

from nexxi_cli.infrastructure.engine.checkpoint import BFLOAT16, Quantise
from nexxi_cli.infrastructure.engine.llama import Llama
from tests.infrastructure.engine.models import FAMILIES, VOCABULARY, engine_model, make, scores

TEXT = torch.randint(3, VOCABULARY, (40,), generator=torch.Generator().manual_seed(5)).tolist()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("cut", [[40], [1] * 40, [7, 1, 20, 1, 11], [16, 24]], ids=str)
def test_each_family_agrees_with_transformers(tmp_path: Path, family: str, cut: list[int]) -> None:
    reference = make(FAMILIES[family], tmp_path)
    model = engine_model(tmp_path)
    text, place = model.new_text(), 0
    for size in cut:
        found = torch.from_numpy(model.read(TEXT[place : place + size], text))
        place += size
        torch.testing.assert_close(found, scores(reference, TEXT[:place]), atol=2e-4, rtol=2e-4)
    assert text.tokens == TEXT


def test_what_was_forgotten_leaves_no_trace(tmp_path: Path) -> None:
    reference = make(FAMILIES["mistral_that_slides"], tmp_path)
    model = engine_model(tmp_path)
    text = model.new_text()
    model.read(TEXT, text)
    text.keep(12)
    found = torch.from_numpy(model.read(TEXT[20:30], text))
    torch.testing.assert_close(found, scores(reference, TEXT[:12] + TEXT[20:30]), atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize(("kind", "deviation"), [("bf16", 0.06), ("int8", 0.08)])
def test_fewer_bits_stay_near(tmp_path: Path, kind: Quantise, deviation: float) -> None:
    assert distance(make(FAMILIES["llama"], tmp_path), engine_model(tmp_path, kind)) < deviation


def test_weights_of_four_bits_are_found_to_be_so(tmp_path: Path) -> None:
    reference = make(FAMILIES["llama"], tmp_path)
    with torch.no_grad():
        for name, weight in reference.named_parameters():
            if "proj" in name:
                weight.copy_(to_four_bits(weight))
    reference.save_pretrained(tmp_path)
    model = engine_model(tmp_path, "auto")
    assert model.new_text().kept.dtype == BFLOAT16
    assert distance(reference, model) < 0.06


def distance(reference: Any, model: Llama) -> float:
    """Of the scores after 20 tokens, read one by one; relative to their size."""
    text = model.new_text()
    for token in TEXT[:20]:
        found = torch.from_numpy(model.read([token], text))
    expected = scores(reference, TEXT[:20])
    return ((found - expected).norm() / expected.norm()).item()


def to_four_bits(weight: torch.Tensor) -> torch.Tensor:
    """16 evenly spaced values in each group of 32."""
    groups = weight.view(weight.shape[0], -1, 32)
    low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
    return (((groups - low) / (high - low) * 15).round() / 15 * (high - low) + low).view(weight.shape)


def test_positions_beyond_the_first_table_are_right(tmp_path: Path) -> None:
    reference = make(FAMILIES["llama"], tmp_path)
    model = engine_model(tmp_path)
    long = (TEXT * 20)[:700]
    text = model.new_text()
    model.read(long[:600], text)
    found = torch.from_numpy(model.read(long[600:], text))
    torch.testing.assert_close(found, scores(reference, long), atol=1e-3, rtol=1e-3)
