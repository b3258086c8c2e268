"""Matrices as the compiled step reads them: in blocks of 16 outputs."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import pad

from nexxi_cli.infrastructure.engine.kernels import OUTPUTS
from nexxi_cli.infrastructure.engine.linear import GROUP, Int8, levels_of

QUAD = 4
"""Inputs that one instruction multiplies and adds up."""


@dataclass(frozen=True, slots=True)
class FourBits:
    """The levels that Int4 has, 0 to 15, for each group of 32 inputs: 16 inputs and the next 16 in the halves of bytes,
    four inputs of each output beside each other; then 16 scales and 16 minimums (float16).
    """

    bits: ClassVar[int] = 4

    packed: torch.Tensor  # (out / 16, in / 32 * 320), uint8

    @classmethod
    def of(cls, weight: torch.Tensor) -> "FourBits":
        """A matrix (out, in) that `fits_four_bits`."""
        levels, scale, low = levels_of(weight)
        blocks, groups = weight.shape[0] // OUTPUTS, weight.shape[1] // GROUP
        halves = levels.to(torch.uint8).view(blocks, OUTPUTS, groups, 2, GROUP // 2 // QUAD, QUAD)
        both = halves[:, :, :, 0] | halves[:, :, :, 1] << 4  # (blocks, outputs, groups, quads, 4)
        packed = both.permute(0, 2, 3, 1, 4).reshape(blocks, groups, -1)
        ends = [
            part.half().view(blocks, OUTPUTS, groups).transpose(1, 2).contiguous().view(torch.uint8)
            for part in (scale, low)
        ]
        return cls(torch.cat([packed, *ends], dim=-1).view(blocks, -1))


@dataclass(frozen=True, slots=True)
class EightBits:
    """As Int8 holds them, 128 added: four inputs of each output beside each other; then 16 scales (float32)."""

    bits: ClassVar[int] = 8

    packed: torch.Tensor  # (out / 16, in * 16 + 64), uint8; `in` is a multiple of 32, and what is missing is 0

    @classmethod
    def of(cls, weight: torch.Tensor) -> "EightBits":
        """A matrix (out, in)."""
        whole = Int8.of(weight)
        missing = -weight.shape[0] % OUTPUTS
        numbers = pad(whole.packed, (0, -weight.shape[1] % GROUP, 0, missing))
        quads = numbers.view(-1, OUTPUTS, numbers.shape[1] // QUAD, QUAD).permute(0, 2, 1, 3)
        packed = (quads.to(torch.int16) + 128).to(torch.uint8).reshape(quads.shape[0], -1)
        scales = pad(whole.scales.float(), (0, missing)).view(-1, OUTPUTS).view(torch.uint8)
        return cls(torch.cat([packed, scales], dim=-1))
