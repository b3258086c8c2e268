"""The shape of a Llama-like model, read from its config.json. Knows no torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nexxi_cli.core.errors import UnsupportedModel

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
"""Values of `model_type` whose blocks are these: RMSNorm, rotary attention, SwiGLU; all else is transformers' task."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes in elements. `rope`: the angle of each pair of a head's dimensions per position, in radians.

    `window`: how many positions, its own among them, a token sees; None for all of them.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    ffn_width: int
    vocabulary: int
    norm_eps: float
    rope: tuple[float, ...]
    window: int | None
    tied: bool

    @property
    def query_width(self) -> int:
        """Of all query heads together."""
        return self.heads * self.head_width

    @property
    def kv_width(self) -> int:
        """Of all key heads together, and of all value heads."""
        return self.kv_heads * self.head_width


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The shape that a config.json states. Raises UnsupportedModel, with the reason, for one that is not covered."""
    family = config.get("model_type")
    if family not in FAMILIES:
        raise UnsupportedModel(f"model_type is {family!r}")
    if config.get("hidden_act", "silu") != "silu":
        raise UnsupportedModel(f"hidden_act is {config['hidden_act']!r}")
    if config.get("quantization_config"):
        raise UnsupportedModel("the weights are quantised in a format of their own")
    try:
        heads, width = int(config["num_attention_heads"]), int(config["hidden_size"])
        head_width = int(config.get("head_dim") or width // heads)
        return Shape(
            layers=int(config["num_hidden_layers"]),
            width=width,
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_width=head_width,
            ffn_width=int(config["intermediate_size"]),
            vocabulary=int(config["vocab_size"]),
            norm_eps=float(config.get("rms_norm_eps", 1e-6)),
            rope=_rope(config, head_width),
            window=_window(config, family),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UnsupportedModel(f"config.json does not state the model's shape: {error}") from error


def _window(config: Mapping[str, Any], family: str) -> int | None:
    kinds = set(config.get("layer_types") or ())
    if kinds == {"full_attention"}:
        return None
    if len(kinds) > 1:
        raise UnsupportedModel("its layers differ in what they attend to")
    slides = kinds == {"sliding_attention"} or family == "mistral" or bool(config.get("use_sliding_window"))
    if slides and not kinds and family.startswith("qwen"):
        raise UnsupportedModel("its layers may differ in what they attend to")
    window = config.get("sliding_window")
    return int(window) if slides and window is not None else None


def _rope(config: Mapping[str, Any], head_width: int) -> tuple[float, ...]:
    """The rotary angles of Su et al. 2021 (arXiv:2104.09864), scaled as the model was trained."""
    stated = {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    base = float(stated.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    if float(stated.get("partial_rotary_factor") or config.get("partial_rotary_factor") or 1.0) != 1.0:
        raise UnsupportedModel("only a part of each head is rotated")
    angles = [base ** (-2 * pair / head_width) for pair in range(head_width // 2)]
    kind = stated.get("rope_type") or stated.get("type") or "default"
    if kind == "default":
        return tuple(angles)
    if kind == "linear":
        return tuple(angle / float(stated["factor"]) for angle in angles)
    if kind == "llama3":
        return tuple(_llama3(angle, stated) for angle in angles)
    raise UnsupportedModel(f"its rotary positions are scaled in the way {kind!r}")


def _llama3(angle: float, stated: Mapping[str, Any]) -> float:
    """Llama 3.1's scaling: long waves are stretched, short ones kept, those between blended.

    Source: Meta's llama-models, `apply_scaling`; transformers, modeling_rope_utils.py.
    """
    factor, low, high = (float(stated[key]) for key in ("factor", "low_freq_factor", "high_freq_factor"))
    turns = float(stated["original_max_position_embeddings"]) * angle / (2 * math.pi)
    if turns < low:
        return angle / factor
    if turns > high:
        return angle
    kept = (turns - low) / (high - low)
    return (1 - kept) * angle / factor + kept * angle
