"""A checkpoint as the weights of torch's arithmetic: where it is mapped, and quantised for decoding."""

from collections.abc import Sequence
from pathlib import Path

import torch

from nexxi_cli.infrastructure.engine.block import After, Before, Layer
from nexxi_cli.infrastructure.engine.checkpoint import Checkpoint, Floats, Joined, Quantise, linears_of
from nexxi_cli.infrastructure.engine.kernels import pack_file
from nexxi_cli.infrastructure.engine.linear import Int4, Int8, Kernel, Linear, fits_four_bits, is_four_bit
from nexxi_cli.infrastructure.engine.llama import Llama, Weights
from nexxi_cli.infrastructure.engine.packs import Packs, tensor


def load_llama(checkpoint: Checkpoint, quantise: Quantise, *, threads: int, packs: Path | None) -> Llama:
    """The model in torch, which then uses so many threads. Raises ModelUnavailable when weights are missing.

    `packs` is a folder where quantised weights are kept.
    """
    torch.set_num_threads(threads)
    kind = settled(quantise, checkpoint)
    by = (torch.__version__, torch.backends.cpu.get_cpu_capability())
    file = None if packs is None else pack_file(packs, checkpoint.folder, kind, *by)
    with torch.inference_mode():
        return Llama(checkpoint.shape, Loader(checkpoint, kind, Packs(file)).load())


def settled(kind: Quantise, checkpoint: Checkpoint) -> Quantise:
    """What "auto" means for these weights: four bits where they lose nothing, else as they are."""
    if kind != "auto":
        return kind
    (sample,) = checkpoint.matrices(linears_of(checkpoint.shape)["0.down"])
    if is_four_bit(tensor(sample)):
        return "int4"
    return "f32" if sample.dtype == "float32" else "bf16"


def takes_four_bits(kind: Quantise, name: str, linear: Joined) -> bool:
    """Whether a quantised matrix is held in four bits; else it is in eight."""
    return kind == "int4" and name != "head" and fits_four_bits(linear.outputs, linear.width)


class Loader:
    """Makes the weights of one model. `kind` says how matrices are held for decoding."""

    def __init__(self, checkpoint: Checkpoint, kind: Quantise, packs: Packs) -> None:
        self._checkpoint = checkpoint
        self._kind = kind
        self._packs = packs
        self._dtype = torch.float32 if kind == "f32" else torch.bfloat16
        self._linears = linears_of(checkpoint.shape)

    def load(self) -> Weights:
        """All of them. Raises ModelUnavailable when some are missing."""
        weights = Weights(
            embedding=tensor(self._checkpoint.embedding),
            layers=[self._layer(number) for number in range(self._checkpoint.shape.layers)],
            norm=torch.from_numpy(self._checkpoint.norm),
            head=self._linear("head"),
            dtype=self._dtype,
            kind=self._kind,
        )
        self._packs.save()
        return weights

    def _layer(self, number: int) -> Layer:
        norms = self._checkpoint.norms(number)

        def tensor_or_none(norm: Floats | None) -> torch.Tensor | None:
            return None if norm is None else torch.from_numpy(norm)

        before = Before(
            norm=torch.from_numpy(norms.before),
            qkv=self._linear(f"{number}.qkv"),
            query_norm=tensor_or_none(norms.query),
            key_norm=tensor_or_none(norms.key),
        )
        after = After(
            output=self._linear(f"{number}.output"),
            norm=torch.from_numpy(norms.after),
            gate_up=self._linear(f"{number}.gate_up"),
            down=self._linear(f"{number}.down"),
        )
        return Layer(before, after)

    def _linear(self, name: str) -> Linear:
        linear = self._linears[name]
        dense = [tensor(matrix) for matrix in self._checkpoint.matrices(linear)]
        bias = self._checkpoint.bias(linear)
        return Linear(
            [weight.to(self._dtype) for weight in dense],
            self._few(name, linear, dense),
            None if bias is None else torch.from_numpy(bias).to(self._dtype),
        )

    def _few(self, name: str, linear: Joined, dense: Sequence[torch.Tensor]) -> Kernel | None:
        if self._kind in ("bf16", "f32"):
            return None
        kernel: type[Int4 | Int8] = Int4 if takes_four_bits(self._kind, name, linear) else Int8
        return self._packs.get(name, kernel, lambda: kernel.of(torch.cat(list(dense))))
