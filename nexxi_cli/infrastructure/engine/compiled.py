"""The compiled step: how `step.cpp` is called, and who has it made.

A compiler and the matrices' new order take some seconds, so a process of its own sees to them (`compiler`), and nobody
waits: until they are there, and wherever they cannot be, the same arithmetic runs operation by operation.
"""

import ctypes
import threading
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_float, c_int32, c_int64, c_void_p
from pathlib import Path

import torch
from torch.nn.functional import pad

from nexxi_cli.infrastructure.engine.blocks import OUTPUTS, EightBits, FourBits
from nexxi_cli.infrastructure.engine.kernels import KernelFiles, library_file, start_compiler
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.linear import Int4, Linear
from nexxi_cli.infrastructure.engine.llama import Llama, Weights
from nexxi_cli.infrastructure.engine.packs import Packs, pack_file
from nexxi_cli.infrastructure.engine.shape import Shape

HEAD_WIDTHS = (32, 64, 96, 128, 256)


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


class CompiledStep:
    """The library with one model's weights. For one thread at a time, which uses as many as torch does."""

    def __init__(self, library: Path, shape: Shape, weights: Weights, packs: Packs) -> None:
        """`packs` has the matrices, or gets them. Raises OSError for a file that is no library."""
        self._shape = shape
        self._packs = packs
        self._held: list[torch.Tensor] = []  # what the structures point to
        layers = [
            _Layer(
                self._matrix(f"{number}.qkv", layer.before.qkv),
                self._matrix(f"{number}.output", layer.after.output),
                self._matrix(f"{number}.gate_up", layer.after.gate_up),
                self._matrix(f"{number}.down", layer.after.down),
                *map(
                    self._address,
                    (layer.before.norm, layer.after.norm, layer.before.query_norm, layer.before.key_norm),
                ),
            )
            for number, layer in enumerate(weights.layers)
        ]
        self._model = _Model(
            (_Layer * len(layers))(*layers),
            self._address(weights.norm),
            self._matrix("head", weights.head),
            len(layers),
            shape.width,
            shape.heads,
            shape.kv_heads,
            shape.head_width,
            shape.ffn_width,
            shape.norm_eps,
        )
        self._step = ctypes.CDLL(str(library)).step
        self._step.argtypes = (c_void_p, c_int32, *(c_void_p,) * 4, c_int32, c_void_p, c_int32)
        self._step.restype = None

    def __call__(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        texts: Sequence[KeyValues],
        places: Sequence[int],
        scored: int,
    ) -> torch.Tensor:
        """The scores of what follows each of the last `scored` rows, (scored, vocabulary) float32.

        `x` are the embeddings (n, width) float32 of tokens at these `places` of these texts, which have room for them
        and hold what lies before; cosine and signed sine are (n, head width).
        """
        window = self._shape.window
        tokens = (_Token * len(texts))(
            *(
                _Token(text.kept.data_ptr(), text.kept.stride(0), place, max(0, place + 1 - (window or place + 1)))
                for text, place in zip(texts, places, strict=True)
            )
        )
        scores = torch.empty(scored, -(-self._shape.vocabulary // OUTPUTS) * OUTPUTS)
        rows = (x.contiguous(), cos.contiguous(), sin.contiguous())
        self._step(
            ctypes.addressof(self._model),
            len(texts),
            ctypes.addressof(tokens),
            *(row.data_ptr() for row in rows),
            scored,
            scores.data_ptr(),
            torch.get_num_threads(),
        )
        return scores[:, : self._shape.vocabulary]

    def _matrix(self, name: str, linear: Linear) -> _Matrix:
        kind: type[FourBits | EightBits] = FourBits if isinstance(linear.few, Int4) else EightBits
        blocks = self._packs.get(name, kind, lambda: kind.of(torch.cat(list(linear.dense))))
        outputs, width = sum(part.shape[0] for part in linear.dense), linear.dense[0].shape[1]
        bias = None if linear.bias is None else pad(linear.bias.float(), (0, -outputs % OUTPUTS))
        return _Matrix(self._address(blocks.packed), self._address(bias), outputs, width, kind.bits)

    def _address(self, tensor: torch.Tensor | None) -> int | None:
        if tensor is None:
            return None
        self._held.append(tensor.contiguous())
        return int(self._held[-1].data_ptr())


def kernel_files(folder: Path, model: Path, kind: str, shape: Shape, weights: Weights) -> KernelFiles | None:
    """Where a model's compiled step lies. None for one that it is not written for: not quantised, or of odd sizes."""
    linears = (
        weights.head,
        *(
            linear
            for layer in weights.layers
            for linear in (layer.before.qkv, layer.after.output, layer.after.gate_up, layer.after.down)
        ),
    )
    sizes = (shape.width, shape.ffn_width)
    if shape.head_width not in HEAD_WIDTHS or any(size % OUTPUTS for size in sizes):
        return None
    if any(linear.few is None for linear in linears):
        return None
    return KernelFiles(library_file(folder), pack_file(folder, model, f"{kind} blocks"))


def load_step(files: KernelFiles, shape: Shape, weights: Weights) -> CompiledStep | None:
    """The compiled step, or None while there is none that can be used."""
    if files.state() != "made":
        return None
    try:
        return CompiledStep(files.library, shape, weights, Packs(files.blocks))
    except OSError:  # damaged: it is made again
        files.library.unlink(missing_ok=True)
        return None


def make_behind(
    model: Llama, files: KernelFiles, folder: Path, kind: str, *, after_s: float, closed: threading.Event
) -> threading.Thread:
    """Have it made, once the process has gone on for `after_s`, and let the model use it from then on.

    `folder` has the model's weights, held as `kind`. It goes on when this process ends: the next one has its step.
    """

    def work() -> None:
        if closed.wait(after_s):
            return
        if files.state() == "to be made":
            process = start_compiler(folder, kind, files.library.parent)
            if process is not None:
                process.wait()
        with torch.inference_mode():
            compiled = load_step(files, model.shape, model.weights)
        if compiled is not None:
            model.use(compiled)

    thread = threading.Thread(target=work, name="compiling", daemon=True)
    thread.start()
    return thread
