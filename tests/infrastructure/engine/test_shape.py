"""Which models the engine takes, and the reason that it gives for the others."""

import json
from pathlib import Path

import pytest

from nexxi_cli.core.errors import UnsupportedModel
from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.infrastructure.engine.shape import shape_of
from nexxi_cli.wiring import runs_by
from tests.infrastructure.engine.models import FAMILIES

PLAIN = FAMILIES["llama"].to_dict()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "gpt2"}, "model_type is 'gpt2'"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"quantization_config": {"quant_method": "awq"}}, "a format of their own"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "'yarn'"),
        ({"partial_rotary_factor": 0.5}, "only a part of each head"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "its layers differ"),
        ({"model_type": "qwen2", "use_sliding_window": True}, "may differ"),
        ({"num_attention_heads": 0, "head_dim": None}, "does not state the model's shape"),
        ({"hidden_size": "wide"}, "does not state the model's shape"),
    ],
)
def test_what_is_not_covered_is_named(change: dict[str, object], reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        shape_of(PLAIN | change)


def test_a_missing_size_is_named() -> None:
    with pytest.raises(UnsupportedModel, match="intermediate_size"):
        shape_of({key: value for key, value in PLAIN.items() if key != "intermediate_size"})


def test_older_spellings_of_rotary_settings_are_read() -> None:
    older = {key: value for key, value in PLAIN.items() if key != "rope_parameters"} | {
        "rope_theta": 77.0,
        "rope_scaling": {"type": "linear", "factor": 2.0},
    }
    newer = PLAIN | {"rope_parameters": {"rope_type": "linear", "rope_theta": 77.0, "factor": 2.0}}
    assert shape_of(older) == shape_of(newer) != shape_of(PLAIN)


def test_doctor_can_say_what_runs_a_model_and_why(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(PLAIN))
    paths = xdg_paths({"HOME": str(tmp_path)})
    assert runs_by(tmp_path, Settings(quantize="int8"), paths).startswith("Nexxi's engine on a CPU (quantize: int8; ")
    off = runs_by(tmp_path, Settings(compile=False), paths)
    assert "not compiled, as the settings say" in off
    config.write_text(json.dumps(PLAIN | {"model_type": "gpt2"}))
    assert runs_by(tmp_path, Settings(), paths) == "transformers (model_type is 'gpt2')"


@pytest.mark.parametrize(
    ("config", "window"),
    [
        (PLAIN, None),
        (PLAIN | {"sliding_window": 8}, None),
        (PLAIN | {"model_type": "mistral", "sliding_window": 8}, 8),
        (PLAIN | {"model_type": "mistral", "sliding_window": None}, None),
        (PLAIN | {"model_type": "qwen2", "sliding_window": 8, "layer_types": ["full_attention"]}, None),
        (PLAIN | {"model_type": "qwen2", "sliding_window": 8, "layer_types": ["sliding_attention"]}, 8),
    ],
)
def test_a_window_counts_only_where_it_is_used(config: dict[str, object], window: int | None) -> None:
    assert shape_of(config).window == window
