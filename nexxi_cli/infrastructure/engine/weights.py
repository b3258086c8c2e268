"""A model's safetensors as the engine's weights: mapped into memory, and quantised for decoding."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.infrastructure.engine.block import After, Before, Layer
from nexxi_cli.infrastructure.engine.linear import (
    Int4,
    Int8,
    Kernel,
    Linear,
    fits_four_bits,
    is_four_bit,
)
from nexxi_cli.infrastructure.engine.llama import Weights
from nexxi_cli.infrastructure.engine.packs import Packs
from nexxi_cli.infrastructure.engine.shape import Shape

Quantise = Literal["auto", "int4", "int8", "bf16", "f32"]

INDEX = "model.safetensors.index.json"


class Checkpoint:
    """The tensors of a folder of safetensors, by name; they are mapped, so reading one costs nothing yet."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelUnavailable when a file is missing or damaged."""
        self._files: dict[str, Any] = {}
        try:
            for name in _files(folder):
                file: Any = safe_open(folder / name, framework="pt")
                self._files.update(dict.fromkeys(file.keys(), file))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(f"the weights in {folder} cannot be read: {' '.join(str(error).split())}") from error

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def get(self, name: str, *size: int) -> torch.Tensor:
        """The tensor of this name and size. Raises ModelUnavailable when there is none."""
        if name not in self._files:
            raise ModelUnavailable(f"the weights are not whole: {name} is missing")
        tensor: torch.Tensor = self._files[name].get_tensor(name)
        if tensor.shape != size:
            raise ModelUnavailable(f"the weights are not whole: {name} is {tuple(tensor.shape)}, not {size}")
        return tensor


def _files(folder: Path) -> Sequence[str]:
    if (folder / "model.safetensors").is_file() or not (folder / INDEX).is_file():
        return ["model.safetensors"]
    return sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))


class Loader:
    """Makes the weights of one model. `kind` says how matrices are held for decoding; "auto": four bits where they
    lose nothing, else as they are.
    """

    def __init__(self, shape: Shape, checkpoint: Checkpoint, kind: Quantise) -> None:
        self._shape = shape
        self._checkpoint = checkpoint
        self.kind = self._settled(kind)
        self._dtype = torch.float32 if self.kind == "f32" else torch.bfloat16

    def load(self, packs: Packs) -> Weights:
        """All of them. Raises ModelUnavailable when some are missing."""
        self._packs = packs
        shape, checkpoint = self._shape, self._checkpoint
        size = (shape.vocabulary, shape.width)
        embedding = checkpoint.get("model.embed_tokens.weight", *size)
        head = embedding if shape.tied else checkpoint.get("lm_head.weight", *size)
        weights = Weights(
            embedding=embedding,
            layers=[self._layer(f"model.layers.{number}.") for number in range(shape.layers)],
            norm=checkpoint.get("model.norm.weight", shape.width).float(),
            head=Linear([head.to(self._dtype)], self._few("lm_head", [head])),
            dtype=self._dtype,
        )
        packs.save()
        return weights

    def _layer(self, prefix: str) -> Layer:
        shape, checkpoint = self._shape, self._checkpoint
        attention, ffn = f"{prefix}self_attn.", f"{prefix}mlp."
        queries, keys = shape.query_width, shape.kv_width

        def norm(name: str, width: int) -> torch.Tensor:
            return checkpoint.get(f"{name}.weight", width).float()

        has_head_norms = f"{attention}q_norm.weight" in checkpoint
        before = Before(
            norm=norm(f"{prefix}input_layernorm", shape.width),
            qkv=self._linear(
                [(f"{attention}q_proj", queries), (f"{attention}k_proj", keys), (f"{attention}v_proj", keys)],
                shape.width,
            ),
            query_norm=norm(f"{attention}q_norm", shape.head_width) if has_head_norms else None,
            key_norm=norm(f"{attention}k_norm", shape.head_width) if has_head_norms else None,
        )
        after = After(
            output=self._linear([(f"{attention}o_proj", shape.width)], queries),
            norm=norm(f"{prefix}post_attention_layernorm", shape.width),
            gate_up=self._linear(
                [(f"{ffn}gate_proj", shape.ffn_width), (f"{ffn}up_proj", shape.ffn_width)], shape.width
            ),
            down=self._linear([(f"{ffn}down_proj", shape.width)], shape.ffn_width),
        )
        return Layer(before, after)

    def _linear(self, parts: Sequence[tuple[str, int]], width: int) -> Linear:
        checkpoint = self._checkpoint
        dense = [checkpoint.get(f"{name}.weight", out, width) for name, out in parts]
        biases = [
            checkpoint.get(f"{name}.bias", out) if f"{name}.bias" in checkpoint else torch.zeros(out)
            for name, out in parts
        ]
        has_bias = any(f"{name}.bias" in checkpoint for name, _ in parts)
        return Linear(
            [weight.to(self._dtype) for weight in dense],
            self._few(parts[0][0], dense),
            torch.cat(biases).to(self._dtype) if has_bias else None,
        )

    def _few(self, name: str, dense: Sequence[torch.Tensor]) -> Kernel | None:
        if self.kind in ("bf16", "f32"):
            return None
        out, width = sum(weight.shape[0] for weight in dense), dense[0].shape[1]
        kernel: type[Int4 | Int8] = (
            Int4 if self.kind == "int4" and name != "lm_head" and fits_four_bits(out, width) else Int8
        )
        return self._packs.get(name, kernel, lambda: kernel.of(torch.cat(list(dense))))

    def _settled(self, kind: Quantise) -> Quantise:
        if kind != "auto":
            return kind
        sample = self._checkpoint.get("model.layers.0.mlp.down_proj.weight", self._shape.width, self._shape.ffn_width)
        if is_four_bit(sample):
            return "int4"
        return "f32" if sample.dtype == torch.float32 else "bf16"
