"""`python -m nexxi_cli.infrastructure.engine.compiler MODEL KIND PACKS FILE`: makes the kernels that `compiled` loads.

MODEL is a folder with the weights, KIND how they are held, PACKS the folder of the quantised ones. Made by torch.export
and AOTInductor, with the C++ compiler of this machine, at the lowest priority; the weights are arguments of the
kernels, which so are small and serve every model of the shape. What fails is noted beside FILE and not tried again.
"""

import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch._inductor.package import package_aoti  # torch's own way to put several kernels into one file

from nexxi_cli.infrastructure.engine.block import After, Before, Block
from nexxi_cli.infrastructure.engine.compiled import ATTEND, BETWEEN, CompiledBlocks, tensors_after, tensors_before
from nexxi_cli.infrastructure.engine.kernels import KernelFile
from nexxi_cli.infrastructure.engine.llama import Weights
from nexxi_cli.infrastructure.engine.packs import Packs, pack_file
from nexxi_cli.infrastructure.engine.shape import Shape, shape_of
from nexxi_cli.infrastructure.engine.weights import Checkpoint, Loader, Quantise
from nexxi_cli.infrastructure.models.folder import ModelFolder

LOWEST_PRIORITY = 19
LINE_CHARS = 200
MOST_POSITIONS = 2**20

OPTIONS = {"aot_inductor.package": True, "cpp.dynamic_threads": True}
"""The second: as many threads as the process has that calls the kernel, not the one that made it."""


class Between(torch.nn.Module):  # type: ignore[misc] # torch has no type for it
    """Block.between over tensors alone; `after` and `before` say which of them there are."""

    def __init__(self, block: Block, after: After, before: Before) -> None:
        super().__init__()
        self._block = block
        self._after = after
        self._before = before

    def forward(
        self, x: torch.Tensor, attended: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *weights: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """The rows, queries, keys and values."""
        left = iter(weights)
        after = After(
            output=self._after.output.of_few(left),
            norm=next(left),
            gate_up=self._after.gate_up.of_few(left),
            down=self._after.down.of_few(left),
        )
        before = replace(self._before, norm=next(left), qkv=self._before.qkv.of_few(left))
        if before.query_norm is not None:
            before = replace(before, query_norm=next(left), key_norm=next(left))
        x, (queries, keys, values) = self._block.between(x, attended, cos, sin, after, before)
        return x, queries, keys, values.contiguous()


class Attend(torch.nn.Module):  # type: ignore[misc] # as above
    """Block.attend_once."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self._block = block

    def forward(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """What is seen."""
        return self._block.attend_once(queries, keys, values)


def make_kernels(shape: Shape, weights: Weights, file: Path) -> None:
    """Write the kernels of such a model. Raises what torch and the compiler raise, of many classes."""
    with torch.no_grad():
        programs = {BETWEEN: _between(shape, weights), ATTEND: _attend(shape, weights.dtype)}
        package_aoti(str(file), {name: _files(program) for name, program in programs.items()})


def _between(shape: Shape, weights: Weights) -> torch.export.ExportedProgram:
    first, second = weights.layers[:2]
    rows = torch.export.Dim("rows", min=1, max=CompiledBlocks.most_rows)
    x, attended = torch.zeros(3, shape.width), torch.zeros(3, shape.query_width, dtype=weights.dtype)
    turns = torch.zeros(3, 1, shape.head_width), torch.zeros(3, 1, shape.head_width)
    tensors = (*tensors_after(first.after), *tensors_before(second.before))
    shapes = ({0: rows}, {0: rows}, {0: rows}, {0: rows}, (None,) * len(tensors))
    module = Between(Block(shape, weights.dtype), first.after, second.before)
    return torch.export.export(module, (x, attended, *turns, *tensors), dynamic_shapes=shapes)


def _attend(shape: Shape, dtype: torch.dtype) -> torch.export.ExportedProgram:
    queries = torch.zeros(1, shape.heads, shape.head_width, dtype=dtype)
    keys, values = (torch.zeros(37, shape.kv_heads, shape.head_width, dtype=dtype) for _ in range(2))
    positions = torch.export.Dim("positions", min=1, max=MOST_POSITIONS)
    shapes = (None, {0: positions}, {0: positions})
    return torch.export.export(Attend(Block(shape, dtype)), (queries, keys, values), dynamic_shapes=shapes)


def _files(program: torch.export.ExportedProgram) -> Any:
    """What AOTInductor makes of it, to be packed."""
    arguments, _ = program.example_inputs
    return torch._inductor.aot_compile(program.module(), arguments, options=OPTIONS)  # noqa: SLF001 - documented so


def main(model: str, kind: Quantise, packs: str, file: str) -> int:
    """Make the file, unless another process is at it. The exit code."""
    os.nice(LOWEST_PRIORITY)
    target = KernelFile(Path(file))
    target.path.parent.mkdir(parents=True, exist_ok=True)
    made = target.path.with_suffix(f".{os.getpid()}.pt2")
    with (
        suppress(Timeout),
        FileLock(target.path.with_suffix(".lock"), blocking=False),
        tempfile.TemporaryDirectory() as scratch,
    ):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = scratch
        try:
            _make(ModelFolder(Path(model).name, Path(model)), kind, Path(packs), made)
        except Exception as error:  # noqa: BLE001 - whatever it is, the kernels cannot be had here
            made.unlink(missing_ok=True)
            words = " ".join(str(error).split())[:LINE_CHARS]
            target.failure.write_text(f"{type(error).__name__}: {words}\n", encoding="utf-8")
            return 1
        made.replace(target.path)
    return 0


def _make(folder: ModelFolder, kind: Quantise, packs: Path, file: Path) -> None:
    shape = shape_of(folder.config)
    loader = Loader(shape, Checkpoint(folder.path), kind)
    make_kernels(shape, loader.load(Packs(pack_file(packs, folder.path, loader.kind))), file)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type] # words of a command line
