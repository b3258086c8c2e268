"""Quantised matrices, kept on the disk so that they are computed once and mapped into memory from then on."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nexxi_cli.infrastructure.engine.blocks import EightBits, FourBits
from nexxi_cli.infrastructure.engine.linear import Int4, Int8

Matrix = TypeVar("Matrix", bound=Int4 | Int8 | FourBits | EightBits)

FORMAT = 3
"""Changes with what `linear` makes of the same weights, and with how they lie in the file."""
ALIGNED_BYTES = 64
"""Where a matrix begins: torch's kernel of eight bits ends the process at some numbers of rows otherwise."""


class Packs:
    """The matrices of one model, in one file. Without it, they are computed at every start."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._found = _opened(file)
        self._made: dict[str, torch.Tensor] = {}

    def get(self, name: str, kind: type[Matrix], make: Callable[[], Matrix]) -> Matrix:
        """The matrix of this name, made if it is not there."""
        parts = [field.name for field in fields(kind)]
        if self._found is not None:
            return kind(*(_aligned(self._found.get_tensor(f"{name}.{part}")) for part in parts))
        made = make()
        self._made |= {f"{name}.{part}": getattr(made, part) for part in parts}
        return made

    def save(self) -> None:
        """Keep what was made, in the place of what older weights or another torch have left; a full disk keeps none."""
        if self._file is None or not self._made:
            return
        unfinished = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            save_file(self._made, unfinished, {"pad": ""})
            save_file(self._made, unfinished, {"pad": " " * (-_head_bytes(unfinished) % ALIGNED_BYTES)})
            for older in self._file.parent.glob(f"{self._file.name.split('-')[0]}-*.safetensors"):
                older.unlink(missing_ok=True)
            unfinished.replace(self._file)
        except (OSError, SafetensorError):
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


def pack_file(folder: Path, model: Path, kind: str) -> Path:
    """Where the matrices of a model lie: they depend on its files, on how they are held, on torch and the CPU."""
    stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(model.glob("*.safetensors"))]
    layout = (FORMAT, stats, torch.__version__, torch.backends.cpu.get_cpu_capability())
    return folder / f"{_digest((str(model.resolve()), kind))}-{_digest(layout)}.safetensors"


def _head_bytes(file: Path) -> int:
    """What stands before the first matrix, a multiple of 8 (safetensors' README, "Format")."""
    with file.open("rb") as opened:
        return 8 + int.from_bytes(opened.read(8), "little")


def _aligned(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix where it is mapped, or a copy if one of an odd size lies before it."""
    return matrix if matrix.data_ptr() % ALIGNED_BYTES == 0 else matrix.clone()


def _digest(key: object) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def _opened(file: Path | None) -> Any:
    """The file, or None when there is none that can be read."""
    if file is None or not file.is_file():
        return None
    try:
        return safe_open(file, framework="pt")
    except (OSError, SafetensorError):
        return None
