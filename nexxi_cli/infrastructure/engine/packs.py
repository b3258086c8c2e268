"""Quantised matrices, kept on the disk so that they are computed once and mapped into memory from then on."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from nexxi_cli.infrastructure.engine.checkpoint import BFLOAT16, Array, Tensors
from nexxi_cli.infrastructure.engine.linear import Int4, Int8

Matrix = TypeVar("Matrix", bound=Int4 | Int8)

ALIGNED_BYTES = 64
"""Where a matrix begins: torch's kernel of eight bits ends the process at some numbers of rows otherwise."""


class Packs:
    """The matrices of one model, in one file. Without it, they are computed at every start."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._found = None if file is None else opened(file)
        self._made: dict[str, torch.Tensor] = {}

    def get(self, name: str, kind: type[Matrix], make: Callable[[], Matrix]) -> Matrix:
        """The matrix of this name, made if it is not there."""
        parts = [field.name for field in fields(kind)]
        if self._found is not None:
            return kind(*(_aligned(tensor(self._found.get(f"{name}.{part}"))) for part in parts))
        made = make()
        self._made |= {f"{name}.{part}": getattr(made, part) for part in parts}
        return made

    def save(self) -> None:
        """Keep what was made; a full disk keeps none."""
        if self._file is not None and self._made:
            with suppress(OSError, SafetensorError):
                save(self._file, self._made)


def opened(file: Path) -> Tensors | None:
    """The tensors of a file, or None when there is none that can be read."""
    try:
        return Tensors(file)
    except (OSError, SafetensorError):
        return None


def save(file: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write them, in the place of what older weights or another torch have left. Raises OSError and SafetensorError."""
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(tensors), unfinished, {"pad": ""})
        save_file(dict(tensors), unfinished, {"pad": " " * (-_head_bytes(unfinished) % ALIGNED_BYTES)})
        for older in file.parent.glob(f"{file.name.split('-')[0]}-*.safetensors"):
            older.unlink(missing_ok=True)
        unfinished.replace(file)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def tensor(array: Array) -> torch.Tensor:
    """The same memory as torch sees it, which keeps no account of what is written there."""
    with torch.inference_mode():
        found = torch.from_numpy(array)
        return found.view(torch.bfloat16) if array.dtype == BFLOAT16 else found


def _head_bytes(file: Path) -> int:
    """What stands before the first matrix, a multiple of 8 (safetensors' README, "Format")."""
    with file.open("rb") as opened:
        return 8 + int.from_bytes(opened.read(8), "little")


def _aligned(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix where it is mapped, or a copy if one of an odd size lies before it."""
    return matrix if matrix.data_ptr() % ALIGNED_BYTES == 0 else matrix.clone()
