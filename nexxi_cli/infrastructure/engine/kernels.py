"""Where compiled kernels lie, and what has become of them. Knows no torch."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PREFIX = "kernels-"
"""Of the names of their files."""

State = Literal["made", "to be made", "failed", "no compiler"]


@dataclass(frozen=True, slots=True)
class KernelFile:
    """The place of a model's kernels; `failure` lies beside it when they could not be made."""

    path: Path

    @property
    def failure(self) -> Path:
        """Holds the reason, in one line."""
        return self.path.with_suffix(".failed")

    def state(self) -> State:
        """What has become of them."""
        if self.path.is_file():
            return "made"
        if self.failure.is_file():
            return "failed"
        return "to be made" if has_compiler() else "no compiler"


def has_compiler() -> bool:
    """Whether there is the C++ compiler that torch asks for."""
    return shutil.which(compiler()) is not None


def compiler() -> str:
    """Its name, as torch's inductor takes it from the environment."""
    return os.environ.get("CXX", "g++")


def told_of_kernels(folder: Path) -> str:
    """For people: what the decoding steps of the models in this folder run by."""
    if any(folder.glob(f"{PREFIX}*.pt2")):
        return "compiled steps"
    failures = sorted(folder.glob(f"{PREFIX}*.failed"))
    if failures:
        return f"steps not compiled: {failures[0].read_text(encoding='utf-8', errors='replace').strip()}"
    if not has_compiler():
        return f"steps not compiled, as there is no C++ compiler ({compiler()})"
    return "steps not compiled yet: a chat that stays open has that done"
