"""Where what is quantised and compiled lies, and what has become of it. Knows no torch."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nexxi_cli.infrastructure.engine.processor import flags
from nexxi_cli.infrastructure.engine.shape import Shape

SOURCE = Path(__file__).with_name("step") / "step.cpp"
PREFIX = "step-"
"""Of the names of the libraries; one serves all models."""
NEEDED = ("avx2", "fma", "f16c")
"""What a processor has to have, as Linux calls it: nearly all of AMD and Intel since 2015 do. The step is faster with
AVX-512's VNNI and bfloat16, which AMD has since Zen 4 and Intel's servers since Sapphire Rapids.
"""

OUTPUTS = 16
"""Of a block of the matrices (`blocks`): as many as a vector of the step has float32 numbers."""
HEAD_WIDTHS = (32, 64, 96, 128, 256)
FORMAT = 5
"""Changes with what is made of the same weights, and with how it lies in a file."""

State = Literal["made", "to be made", "failed", "no compiler", "no such processor"]


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """The library, and the model's matrices as it reads them; `failure` lies beside it when it could not be made."""

    library: Path
    blocks: Path

    @property
    def failure(self) -> Path:
        """Holds the reason, in one line."""
        return self.library.with_suffix(".failed")

    @property
    def lock(self) -> Path:
        """Held by the process that makes them."""
        return self.library.with_suffix(".lock")

    def may_be_made(self) -> bool:
        """Whether their folder can be written and no process is at it."""
        from filelock import FileLock, Timeout  # not for those who have the step

        try:
            self.lock.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.lock, timeout=0):
                return True
        except (OSError, Timeout):
            return False

    def state(self) -> State:
        """What has become of them."""
        if self.library.is_file() and self.blocks.is_file():
            return "made"
        if self.failure.is_file():
            return "failed"
        if not has_processor():
            return "no such processor"
        return "to be made" if has_compiler() else "no compiler"


def kernel_files(folder: Path, model: Path, kind: str, shape: Shape) -> KernelFiles | None:
    """Where a model's compiled step lies. None for one that it is not written for: not quantised, or of odd sizes.

    `kind`: how the weights are to be held, as the settings say. Raises OSError when the model's files are gone.
    """
    if kind in ("bf16", "f32") or shape.head_width not in HEAD_WIDTHS:
        return None
    if any(size % OUTPUTS for size in (shape.width, shape.ffn_width)):
        return None
    return KernelFiles(library_file(folder), pack_file(folder, model, f"{kind} blocks"))


def pack_file(folder: Path, model: Path, kind: str, *by: object) -> Path:
    """Where matrices of a model lie: they depend on its files, on how they are held, and on what has made them."""
    stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(model.glob("*.safetensors"))]
    return folder / f"{_digest((str(model.resolve()), kind))}-{_digest((FORMAT, stats, *by))}.safetensors"


def library_file(folder: Path) -> Path:
    """The library's place: it depends on its sources, the compiler, its options and the processor."""
    sources = [file.read_bytes() for file in sorted(SOURCE.parent.iterdir())]
    key = (sources, compiler(), compiler_options(), platform.machine(), sorted(flags()))
    return folder / f"{PREFIX}{_digest(key)}.so"


def has_processor() -> bool:
    """Whether the step is written for this processor."""
    return flags().issuperset(NEEDED)


def has_compiler() -> bool:
    """Whether there is the C++ compiler that the environment names, or else GCC's."""
    return shutil.which(compiler()) is not None


def compiler() -> str:
    """Its name."""
    return os.environ.get("CXX", "g++")


def compiler_options() -> Sequence[str]:
    """Those that the environment adds, in CXXFLAGS."""
    return os.environ.get("CXXFLAGS", "").split()


def start_compiler(model: Path, kind: str, folder: Path) -> "subprocess.Popen[bytes] | None":
    """Have the step of a model compiled by a process that outlives this one; None where it cannot be.

    The arguments are those of `compiler`. Whatever goes wrong is noted beside the library.
    """
    if not (has_processor() and has_compiler()):
        return None
    command = [sys.executable, "-m", "nexxi_cli.infrastructure.engine.compiler", str(model), kind, str(folder)]
    none = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=none, stdout=none, stderr=none, start_new_session=True)  # noqa: S603 - ours


def told_of_kernels(folder: Path) -> str:
    """For people: what the decoding steps of the models in this folder run by."""
    library = library_file(folder)
    if library.is_file():
        return "compiled steps"
    failure = library.with_suffix(".failed")
    if failure.is_file():
        return f"steps not compiled: {failure.read_text(encoding='utf-8', errors='replace').strip()}"
    if not has_processor():
        return f"steps not compiled, as this processor has not what they need ({', '.join(NEEDED)})"
    if not has_compiler():
        return f"steps not compiled, as there is no C++ compiler ({compiler()})"
    return "steps not compiled yet: `nexxi models pull` has that done, and every chat"


def _digest(key: object) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]
