"""`python -m nexxi_cli.infrastructure.engine.compiler MODEL KIND FOLDER`: makes what `compiled` loads.

MODEL is a folder with the weights, KIND how they are held ("auto" too), FOLDER where quantised ones and library lie.
By this machine's C++ compiler, at the lowest priority. What fails is noted beside the library, and not tried again.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from nexxi_cli.core.errors import UnsupportedModel
from nexxi_cli.infrastructure.engine.compiled import CompiledStep, kernel_files
from nexxi_cli.infrastructure.engine.kernels import SOURCE, KernelFiles, compiler
from nexxi_cli.infrastructure.engine.llama import Weights
from nexxi_cli.infrastructure.engine.packs import Packs, pack_file
from nexxi_cli.infrastructure.engine.shape import Shape, shape_of
from nexxi_cli.infrastructure.engine.weights import Checkpoint, Loader, Quantise
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
        command = [compiler(), *OPTIONS, "-o", str(made), str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_S)  # noqa: S603 - ours
        made.replace(library)
    finally:
        made.unlink(missing_ok=True)


def main(model: str, kind: Quantise, folder: str) -> int:
    """Make the library and the model's matrices, or wait for another process that does. The exit code."""
    os.nice(LOWEST_PRIORITY)
    path, packs = Path(model), Path(folder)
    try:
        shape = shape_of(ModelFolder(path.name, path).config)
    except UnsupportedModel:
        return 0  # transformers runs it
    with torch.inference_mode():
        loader = Loader(shape, Checkpoint(path), kind)
        weights = loader.load(Packs(pack_file(packs, path, loader.kind)))
        files = kernel_files(packs, path, loader.kind, shape, weights)
        if files is None:
            return 0
        with suppress(Timeout), FileLock(files.library.with_suffix(".lock"), timeout=LONGEST_S):
            return _make(files, shape, weights)
    return 0


def _make(files: KernelFiles, shape: Shape, weights: Weights) -> int:
    try:
        if not files.library.is_file():
            compile_step(files.library)
        blocks = Packs(files.blocks)
        CompiledStep(files.library, shape, weights, blocks)
        blocks.save()
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        files.failure.write_text(f"{' '.join(str(said).split())[:LINE_CHARS]}\n", encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type] # words of a command line
