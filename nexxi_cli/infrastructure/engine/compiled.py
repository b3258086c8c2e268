"""A model whose step is compiled: how `step/step.cpp` is called, and who has it made. Knows no torch.

A compiler and the matrices' new order take some seconds, so a process of its own sees to them (`compiler`), and nobody
waits: until they are there, and wherever they cannot be, the same arithmetic runs operation by operation (`llama`).
"""

import ctypes
import threading
from collections.abc import Callable, Sequence
from ctypes import POINTER, Structure, c_float, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from nexxi_cli.infrastructure.engine.checkpoint import (
    Array,
    Checkpoint,
    Floats,
    Quantise,
    Tensors,
    floats,
    linears_of,
)
from nexxi_cli.infrastructure.engine.kernels import OUTPUTS, KernelFiles, kernel_files, start_compiler
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.model import Model

AVX512_BITS = 512
"""Of its vectors."""


class _Matrix(Structure):
    _fields_ = (
        ("packed", c_void_p),
        ("bias", c_void_p),
        ("outputs", c_int32),
        ("width", c_int32),
        ("bits", c_int32),
    )


class _Layer(Structure):
    _fields_ = (
        *((name, _Matrix) for name in ("qkv", "output", "gate_up", "down")),
        *((name, c_void_p) for name in ("norm", "ffn_norm", "query_norm", "key_norm")),
    )


class _Model(Structure):
    _fields_ = (
        ("layers", POINTER(_Layer)),
        ("norm", c_void_p),
        ("head", _Matrix),
        *((name, c_int32) for name in ("layers_count", "width", "heads", "kv_heads", "head_width", "ffn_width")),
        ("norm_eps", c_float),
    )


class _Token(Structure):
    _fields_ = (("kept", c_void_p), ("apart", c_int64), ("place", c_int32), ("first", c_int32))


class CompiledModel(Model):
    """By the library and one model's matrices."""

    def __init__(self, files: KernelFiles, checkpoint: Checkpoint, *, threads: int) -> None:
        """`checkpoint` has all that is no matrix. Raises OSError and SafetensorError for a file that is damaged."""
        super().__init__(checkpoint.shape)
        shape = self.shape
        self._checkpoint = checkpoint
        self._embedding = checkpoint.embedding
        self._threads = threads
        self._blocks = Tensors(files.blocks)
        self._linears = linears_of(shape)
        self._held: list[Array] = []  # what the structures point to
        layers = [self._layer(number) for number in range(shape.layers)]
        self._model = _Model(
            (_Layer * len(layers))(*layers),
            self._address(checkpoint.norm),
            self._matrix("head"),
            len(layers),
            shape.width,
            shape.heads,
            shape.kv_heads,
            shape.head_width,
            shape.ffn_width,
            shape.norm_eps,
        )
        library = ctypes.CDLL(str(files.library))
        self._instructions = "AVX512" if c_int32.in_dll(library, "VECTOR_BITS").value == AVX512_BITS else "AVX2"
        self._step = library.step
        self._step.argtypes = (c_void_p, c_int32, *(c_void_p,) * 4, c_int32, c_void_p, c_int32)
        self._step.restype = None

    @property
    def words(self) -> str:
        """As of Model."""
        kind = "int4" if any(name.endswith(".4") for name in self._blocks.names) else "int8"
        return f"{kind}, compiled, threads: {self._threads}, {self._instructions}"

    def _scores(
        self, tokens: Sequence[int], texts: Sequence[KeyValues], places: Sequence[int], *, scored: int
    ) -> Floats:
        window = self.shape.window
        for text in texts:
            text.put_in_blocks()
        rows = (_Token * len(texts))(
            *(
                _Token(
                    text.kept.ctypes.data,
                    text.kept.strides[0] // text.kept.itemsize,
                    place,
                    max(0, place + 1 - (window or place + 1)),
                )
                for text, place in zip(texts, places, strict=True)
            )
        )
        inputs = (floats(self._embedding[list(tokens)]), *self._turns.at(places))
        scores = np.empty((scored, -(-self.shape.vocabulary // OUTPUTS) * OUTPUTS), np.float32)
        self._step(
            ctypes.addressof(self._model),
            len(texts),
            ctypes.addressof(rows),
            *(numbers.ctypes.data for numbers in inputs),
            scored,
            scores.ctypes.data,
            self._threads,
        )
        return scores[:, : self.shape.vocabulary]

    def _layer(self, number: int) -> _Layer:
        norms = self._checkpoint.norms(number)
        return _Layer(
            *(self._matrix(f"{number}.{name}") for name in ("qkv", "output", "gate_up", "down")),
            *(self._address(norm) for norm in (norms.before, norms.after, norms.query, norms.key)),
        )

    def _matrix(self, name: str) -> _Matrix:
        linear = self._linears[name]
        bits = 4 if f"{name}.4" in self._blocks.names else 8
        bias = self._checkpoint.bias(linear)
        padded = None if bias is None else np.pad(bias, (0, -linear.outputs % OUTPUTS))
        packed = self._address(self._blocks.get(f"{name}.{bits}"))
        return _Matrix(packed, self._address(padded), linear.outputs, linear.width, bits)

    def _address(self, array: Array | None) -> int | None:
        if array is None:
            return None
        self._held.append(array)
        return array.ctypes.data


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """How one model comes to its compiled step. `quantise`: as the settings say how the weights are held."""

    files: KernelFiles
    checkpoint: Checkpoint
    quantise: Quantise
    threads: int

    def load(self) -> CompiledModel | None:
        """The model with it, or None while there is none that can be used."""
        if self.files.state() != "made":
            return None
        try:
            return CompiledModel(self.files, self.checkpoint, threads=self.threads)
        except (OSError, SafetensorError):  # damaged: it is made again
            self.files.library.unlink(missing_ok=True)
            self.files.blocks.unlink(missing_ok=True)
            return None

    def make_behind(self, use: Callable[[Model], None], *, after_s: float, closed: threading.Event) -> threading.Thread:
        """Have it made, once the process has gone on for `after_s` or is `closed`, and `use` what it gives.

        The one that makes it outlives this process: the next one has its step. When closed, the thread ends at once.
        """

        def work() -> None:
            ends = closed.wait(after_s)
            process = None
            if self.files.state() == "to be made" and (not ends or self.files.may_be_made()):
                process = start_compiler(self.checkpoint.folder, self.quantise, self.files.library.parent)
            if ends:
                return
            if process is not None:
                process.wait()
            model = self.load()
            if model is not None:
                use(model)

        thread = threading.Thread(target=work, name="compiling", daemon=True)
        thread.start()
        return thread


def step_of(checkpoint: Checkpoint, quantise: Quantise, *, threads: int, folder: Path) -> CompiledStep | None:
    """The compiled step of a model, which lies in `folder`; None for one that has none."""
    files = kernel_files(folder, checkpoint.folder, quantise, checkpoint.shape)
    return None if files is None else CompiledStep(files, checkpoint, quantise, threads)
