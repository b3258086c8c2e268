"""`python -m nexxi_cli.infrastructure.engine.compiler MODEL KIND FOLDER`: makes what `compiled` loads.

MODEL is a folder with the weights, KIND how they are held ("auto" too), FOLDER where quantised ones and library lie.
By this machine's C++ compiler, at the lowest priority. What fails is noted beside the library, and not tried again.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError

from nexxi_cli.core.errors import UnsupportedModel
from nexxi_cli.infrastructure.engine.blocks import EightBits, FourBits
from nexxi_cli.infrastructure.engine.checkpoint import Checkpoint, Quantise, linears_of
from nexxi_cli.infrastructure.engine.compiled import CompiledModel
from nexxi_cli.infrastructure.engine.kernels import SOURCE, KernelFiles, compiler, compiler_options, kernel_files
from nexxi_cli.infrastructure.engine.packs import save, tensor
from nexxi_cli.infrastructure.engine.shape import shape_of
from nexxi_cli.infrastructure.engine.weights import settled, takes_four_bits
from nexxi_cli.infrastructure.models.folder import ModelFolder

LOWEST_PRIORITY = 19
LINE_CHARS = 200
LONGEST_S = 300.0

OPTIONS = ("-std=c++17", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-w")


def compile_step(library: Path) -> None:
    """Write the library. Raises OSError and CalledProcessError."""
    library.parent.mkdir(parents=True, exist_ok=True)
    made = library.with_suffix(f".{os.getpid()}")
    try:
        command = [compiler(), *OPTIONS, *compiler_options(), "-o", str(made), str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_S)  # noqa: S603 - ours
        made.replace(library)
    finally:
        made.unlink(missing_ok=True)


def main(model: str, quantise: Quantise, folder: str) -> int:
    """Make the library and the model's matrices, or wait for another process that does. The exit code."""
    os.nice(LOWEST_PRIORITY)
    path = Path(model)
    try:
        checkpoint = Checkpoint(path, shape_of(ModelFolder(path.name, path).config))
        files = kernel_files(Path(folder), path, quantise, checkpoint.shape)
        kind = settled(quantise, checkpoint)
    except UnsupportedModel:
        return 0  # transformers runs it
    if files is not None and kind in ("int4", "int8"):
        with suppress(Timeout), FileLock(files.lock, timeout=LONGEST_S):
            return _make(files, checkpoint, kind)
    return 0


def _make(files: KernelFiles, checkpoint: Checkpoint, kind: Quantise) -> int:
    try:
        if not files.library.is_file():
            compile_step(files.library)
        if not files.blocks.is_file():
            save(files.blocks, blocks_of(checkpoint, kind))
        CompiledModel(files, checkpoint, threads=1)
    except (OSError, SafetensorError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        files.failure.write_text(f"{' '.join(str(said).split())[:LINE_CHARS]}\n", encoding="utf-8")
        return 1
    return 0


def blocks_of(checkpoint: Checkpoint, kind: Quantise) -> Mapping[str, torch.Tensor]:
    """The matrices in blocks, each by its name and how many bits a weight has."""
    found = {}
    for name, linear in linears_of(checkpoint.shape).items():
        layout: type[FourBits | EightBits] = FourBits if takes_four_bits(kind, name, linear) else EightBits
        with torch.inference_mode():
            weight = torch.cat([tensor(matrix) for matrix in checkpoint.matrices(linear)])
            found[f"{name}.{layout.bits}"] = layout.of(weight).packed
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type] # words of a command line
