"""A model's safetensors: mapped into memory, by name. Knows what lies where in them, and no torch."""

import json
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.infrastructure.engine.shape import Shape

Quantise = Literal["auto", "int4", "int8", "bf16", "f32"]
Array = NDArray[Any]
Floats = NDArray[np.float32]

INDEX = "model.safetensors.index.json"
BFLOAT16 = np.dtype(np.uint16)
"""Its bits: numpy has no such numbers, and no weights are of this type."""
DTYPES: Mapping[str, np.dtype[Any]] = {
    "BF16": BFLOAT16,
    "F16": np.dtype(np.float16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
    "I8": np.dtype(np.int8),
    "U8": np.dtype(np.uint8),
}


class Tensors:
    """Those of one file, by name; it is mapped, so that reading one costs nothing yet, and what is written is lost."""

    def __init__(self, file: Path) -> None:
        """Raises OSError, and SafetensorError when it is damaged."""
        safe_open(file, framework="np")  # which would copy what it reads; but it checks all that a header can say
        with file.open("rb") as opened:
            begin = 8 + int.from_bytes(opened.read(8), "little")
            self._entries: dict[str, Any] = json.loads(opened.read(begin - 8))
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)
        self._entries.pop("__metadata__", None)
        self._bytes = np.frombuffer(mapped, np.uint8)[begin:]
        self.names = self._entries.keys()

    def get(self, name: str) -> Array:
        """The tensor where it lies. Raises UnsupportedModel for numbers of a kind that we do not compute with."""
        entry = self._entries[name]
        if entry["dtype"] not in DTYPES:
            raise UnsupportedModel(f"{name} holds numbers of the type {entry['dtype']}")
        begin, end = entry["data_offsets"]
        found: Array = self._bytes[begin:end].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
        return found


@dataclass(frozen=True, slots=True)
class Joined:
    """Matrices over the same input, whose outputs stand side by side: what they are called, with their outputs."""

    parts: Mapping[str, int]
    width: int

    @property
    def outputs(self) -> int:
        """Of all of them."""
        return sum(self.parts.values())


def linears_of(shape: Shape) -> Mapping[str, Joined]:
    """All matrices that rows are multiplied with: `qkv`, `output`, `gate_up`, `down` after a layer's number; `head`."""
    found = {"head": Joined({"model.embed_tokens" if shape.tied else "lm_head": shape.vocabulary}, shape.width)}
    for number in range(shape.layers):
        attention, ffn = f"model.layers.{number}.self_attn.", f"model.layers.{number}.mlp."
        keys, ffn_width = shape.kv_width, shape.ffn_width
        qkv = {f"{attention}q_proj": shape.query_width, f"{attention}k_proj": keys, f"{attention}v_proj": keys}
        gate_up = {f"{ffn}gate_proj": ffn_width, f"{ffn}up_proj": ffn_width}
        found[f"{number}.qkv"] = Joined(qkv, shape.width)
        found[f"{number}.output"] = Joined({f"{attention}o_proj": shape.width}, shape.query_width)
        found[f"{number}.gate_up"] = Joined(gate_up, shape.width)
        found[f"{number}.down"] = Joined({f"{ffn}down_proj": shape.width}, ffn_width)
    return found


@dataclass(frozen=True, slots=True)
class Norms:
    """Those of a layer; `query` and `key` (a head wide): Qwen 3's."""

    before: Floats
    after: Floats
    query: Floats | None
    key: Floats | None


class Checkpoint:
    """The weights of a model's folder."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        """Raises ModelUnavailable when a file is missing or damaged."""
        self.folder = folder
        self.shape = shape
        self._files: dict[str, Tensors] = {}
        try:
            for name in _files(folder):
                file = Tensors(folder / name)
                self._files.update(dict.fromkeys(file.names, file))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(f"the weights in {folder} cannot be read: {' '.join(str(error).split())}") from error

    @property
    def embedding(self) -> Array:
        """(vocabulary, width)."""
        return self._get("model.embed_tokens", self.shape.vocabulary, self.shape.width)

    @property
    def norm(self) -> Floats:
        """The last one."""
        return floats(self._get("model.norm", self.shape.width))

    def norms(self, number: int) -> Norms:
        """Of a layer. These and the others raise ModelUnavailable for what is missing or of another size."""
        shape, layer = self.shape, f"model.layers.{number}."
        heads = [f"{layer}self_attn.{name}_norm" for name in "qk"]
        has_heads = f"{heads[0]}.weight" in self._files
        return Norms(
            floats(self._get(f"{layer}input_layernorm", shape.width)),
            floats(self._get(f"{layer}post_attention_layernorm", shape.width)),
            *(floats(self._get(name, shape.head_width)) if has_heads else None for name in heads),
        )

    def matrices(self, linear: Joined) -> Sequence[Array]:
        """Each (its outputs, width)."""
        return [self._get(name, outputs, linear.width) for name, outputs in linear.parts.items()]

    def bias(self, linear: Joined) -> Floats | None:
        """Of all outputs, 0 for those of a matrix that has none."""
        has_bias = {name: f"{name}.bias" in self._files for name in linear.parts}
        if not any(has_bias.values()):
            return None
        return np.concatenate(
            [
                floats(self._get(name, outputs, kind="bias")) if has_bias[name] else np.zeros(outputs, np.float32)
                for name, outputs in linear.parts.items()
            ]
        )

    def _get(self, name: str, *size: int, kind: str = "weight") -> Array:
        name = f"{name}.{kind}"
        if name not in self._files:
            raise ModelUnavailable(f"the weights are not whole: {name} is missing")
        tensor = self._files[name].get(name)
        if tensor.shape != size:
            raise ModelUnavailable(f"the weights are not whole: {name} is {tensor.shape}, not {size}")
        return tensor


def floats(array: Array) -> Floats:
    """The same numbers as float32."""
    if array.dtype == BFLOAT16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32)


def _files(folder: Path) -> Sequence[str]:
    if (folder / "model.safetensors").is_file() or not (folder / INDEX).is_file():
        return ["model.safetensors"]
    return sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
