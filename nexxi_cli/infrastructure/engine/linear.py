"""Matrices that rows are multiplied with: quantised for a few rows, dense for many. Knows torch's kernels, no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import linear

GROUP = 32
"""Weights that share a scale and a minimum; GGUF's Q4_0 and Q4_1 have the same groups."""
ROWS_AT_A_TIME = 4096
"""Of a matrix that is rounded, which takes several copies in float32: a vocabulary's would be the peak of a process."""
LOSSLESS = 2.0**-7
"""Largest deviation, relative to a group's largest weight, that bfloat16's rounding of four-bit weights leaves."""


@dataclass(frozen=True, slots=True)
class Int4:
    """Four bits a weight, with a scale and a midpoint for each group of 32. The layout is that of this CPU."""

    most_rows: ClassVar[int] = 16
    """Four bits are unpacked for every row: for more of them, a dense matrix in bfloat16 is faster."""

    packed: torch.Tensor
    scales: torch.Tensor  # (in / 32, out, 2): scale and midpoint, bfloat16

    @classmethod
    def of(cls, weight: torch.Tensor) -> "Int4":
        """A matrix (out, in) whose sizes fit; it loses nothing if it `is_four_bit`."""
        levels, scale, low = levels_of(weight)
        packed = torch._convert_weight_to_int4pack_for_cpu(levels.view(weight.shape).to(torch.int32), 1)  # noqa: SLF001 - its only name
        middle = low + 8 * scale  # the kernel computes (level - 8) * scale + middle
        scales = torch.cat([scale, middle], dim=-1)  # (out, groups, 2)
        return cls(packed, scales.transpose(0, 1).contiguous().bfloat16())

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, in) to (n, out), both bfloat16."""
        return torch._weight_int4pack_mm_for_cpu(rows, self.packed, GROUP, self.scales)  # noqa: SLF001 - its only name


@dataclass(frozen=True, slots=True)
class Int8:
    """Eight bits a weight, with a scale for each output."""

    most_rows: ClassVar[int] = 16
    """As many as Int4's, so that a row gives the same whichever others stand beside it."""

    packed: torch.Tensor  # (out, in), int8
    scales: torch.Tensor  # (out,), bfloat16

    @classmethod
    def of(cls, weight: torch.Tensor) -> "Int8":
        """A matrix (out, in)."""
        parts = [_eight_bits_of(rows) for rows in weight.split(ROWS_AT_A_TIME)]
        packed, scales = (torch.cat(part) for part in zip(*parts, strict=True))
        return cls(packed, scales)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, in) to (n, out), both bfloat16."""
        return torch._weight_int8pack_mm(rows, self.packed, self.scales)  # noqa: SLF001 - its only name


def _eight_bits_of(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    whole = weight.float()
    scales = (whole.abs().amax(dim=1) / 127).clamp_min(1e-12).bfloat16()
    return (whole / scales.float()[:, None]).round().clamp(-127, 127).to(torch.int8), scales


Kernel = Int4 | Int8
"""Multiplies a few rows with a matrix; for more than `most_rows` a dense one is better."""


@dataclass(frozen=True, slots=True)
class Linear:
    """One or more matrices over the same input, whose outputs stand side by side."""

    dense: Sequence[torch.Tensor]  # each (out, in)
    few: Kernel | None = None
    bias: torch.Tensor | None = None

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, in) to (n, all outs)."""
        if self.few is not None and rows.shape[0] <= self.few.most_rows:
            result = self.few(rows)
        elif len(self.dense) == 1:
            result = linear(rows, self.dense[0])
        else:
            result = torch.cat([linear(rows, weight) for weight in self.dense], dim=-1)
        return result if self.bias is None else result + self.bias


def fits_four_bits(out: int, width: int) -> bool:
    """Whether the kernel takes a matrix of this shape."""
    return width % GROUP == 0 and out % 16 == 0


def is_four_bit(weight: torch.Tensor) -> bool:
    """Whether every group has at most 16 evenly spaced values, so that four bits lose nothing but rounding."""
    if not fits_four_bits(*weight.shape):
        return False
    levels, scale, low = levels_of(weight)
    groups = weight.view(weight.shape[0], -1, GROUP).float()
    return bool(((levels * scale + low - groups).abs() <= LOSSLESS * groups.abs().amax(-1, keepdim=True)).all())


def levels_of(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Four bits' levels 0 to 15 (out, groups, 32), scale and minimum (out, groups, 1) of each group, float32."""
    groups = weight.view(weight.shape[0], -1, GROUP).float()
    low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
    scale = ((high - low) / 15).clamp_min(1e-12)
    return ((groups - low) / scale).round().clamp(0, 15), scale, low
