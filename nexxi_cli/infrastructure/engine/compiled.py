"""The kernels of one decoding step: how they are called, and who has them made.

A compiler takes half a minute for them, so a process of its own does it (`compiler`), and nobody waits: until the file
is there, and wherever there is no compiler, the same arithmetic runs operation by operation.
"""

import hashlib
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import torch

from nexxi_cli.infrastructure.engine.block import After, Before, Heads, Layer
from nexxi_cli.infrastructure.engine.kernels import PREFIX, KernelFile
from nexxi_cli.infrastructure.engine.llama import Llama, Weights
from nexxi_cli.infrastructure.engine.shape import Shape

FORMAT = 1
"""Changes with the arithmetic of `block`, and with how `compiler` makes kernels of it."""
BETWEEN, ATTEND = "between", "attend"
"""What the kernels are called in the file."""
NO_MATTER = ("layers", "vocabulary", "rope", "window", "tied")
"""Of a shape, what no kernel depends on."""

Run = Callable[[list[torch.Tensor]], list[torch.Tensor]]


class CompiledBlocks:
    """The kernels of one model, with the weights that each call needs. For one thread at a time."""

    most_rows: ClassVar[int] = 16
    """As many as quantised matrices take."""

    def __init__(self, file: Path, layers: Sequence[Layer]) -> None:
        """Raises RuntimeError for a file that holds none."""
        self._between, self._attend = _kernel(file, BETWEEN), _kernel(file, ATTEND)
        self._weights = [
            (*tensors_after(one.after), *tensors_before(following.before)) for one, following in pairwise(layers)
        ]

    def between(
        self, number: int, x: torch.Tensor, attended: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, Heads]:
        """As Block.between, from the layer of this number to the next."""
        x, queries, keys, values = self._between([x, attended, cos, sin, *self._weights[number]])
        return x, (queries, keys, values)

    def attend_once(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """As Block.attend_once."""
        (seen,) = self._attend([queries, keys, values])
        return seen


def kernel_file(folder: Path, shape: Shape, weights: Weights) -> KernelFile | None:
    """Where the kernels of such a model lie: models of one shape share them. None for one that is not quantised."""
    kinds = {_kinds(layer) for layer in weights.layers}
    if len(weights.layers) == 1 or len(kinds) != 1 or None in next(iter(kinds)):
        return None
    sizes = [getattr(shape, field.name) for field in fields(shape) if field.name not in NO_MATTER]
    key = (FORMAT, sizes, kinds, str(weights.dtype), torch.__version__, _cpu())
    return KernelFile(folder / f"{PREFIX}{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.pt2")


def load_kernels(file: KernelFile, layers: Sequence[Layer]) -> CompiledBlocks | None:
    """The kernels, or None while there are none that can be used."""
    if not file.path.is_file():
        return None
    try:
        return CompiledBlocks(file.path, layers)
    except RuntimeError:  # damaged: they are made again
        file.path.unlink(missing_ok=True)
        return None


def make_behind(
    model: Llama, file: KernelFile, arguments: Sequence[str], *, after_s: float, closed: threading.Event
) -> threading.Thread:
    """Have the kernels made, once the process has gone on for `after_s`, and let the model use them from then on.

    `arguments`: the first ones of `compiler`. It goes on when this process ends: the next one has its kernels.
    """

    def work() -> None:
        if closed.wait(after_s) or file.state() != "to be made":
            return
        command = [sys.executable, "-m", "nexxi_cli.infrastructure.engine.compiler", *arguments, str(file.path)]
        none = subprocess.DEVNULL
        # what fails is noted beside the file
        subprocess.run(command, stdin=none, stdout=none, stderr=none, start_new_session=True, check=False)  # noqa: S603 - ours
        compiled = load_kernels(file, model.weights.layers)
        if compiled is not None:
            model.use(compiled)

    thread = threading.Thread(target=work, name="compiling", daemon=True)
    thread.start()
    return thread


def tensors_after(weights: After) -> Iterator[torch.Tensor]:
    """Those of `between`'s first half, in its order."""
    yield from weights.output.for_few()
    yield weights.norm
    yield from weights.gate_up.for_few()
    yield from weights.down.for_few()


def tensors_before(weights: Before) -> Iterator[torch.Tensor]:
    """Those of `between`'s second half, in its order."""
    yield weights.norm
    yield from weights.qkv.for_few()
    if weights.query_norm is not None and weights.key_norm is not None:
        yield from (weights.query_norm, weights.key_norm)


def _kernel(file: Path, name: str) -> Run:
    """One kernel of the file, by torch's own loader: the documented way to it imports the compiler, for seconds."""
    called_by_one_thread, runners, any_device = True, 1, -1
    loader = torch._C._aoti.AOTIModelPackageLoader(str(file), name, called_by_one_thread, runners, any_device)  # noqa: SLF001
    run: Run = loader.boxed_run
    return run


def _kinds(layer: Layer) -> tuple[str | bool | None, ...]:
    """The kernel of each matrix, None for a dense one, and what else there is."""
    linears = (layer.before.qkv, layer.after.output, layer.after.gate_up, layer.after.down)
    kernels = (None if linear.few is None else type(linear.few).__name__ for linear in linears)
    return (*kernels, *(linear.bias is not None for linear in linears), layer.before.query_norm is not None)


def _cpu() -> tuple[str, ...]:
    """What the compiler makes kernels for: this very kind of processor."""
    flags: list[str] = []
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return (torch.backends.cpu.get_cpu_capability(), platform.machine(), *sorted(flags))
