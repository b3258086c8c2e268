"""Matrices as the compiled step reads them: in blocks of 16 outputs, one number of each after the other."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import pad

from nexxi_cli.infrastructure.engine.linear import GROUP, Int8, levels_of

OUTPUTS = 16
"""Of a block: as many as a vector of AVX-512 has float32 numbers."""


@dataclass(frozen=True, slots=True)
class FourBits:
    """As Int4 holds them: for each group of 32 inputs, pairs of them in a byte, 16 scales, 16 midpoints (bfloat16)."""

    bits: ClassVar[int] = 4

    packed: torch.Tensor  # (out / 16, in / 32 * 320), uint8

    @classmethod
    def of(cls, weight: torch.Tensor) -> "FourBits":
        """A matrix (out, in) that `fits_four_bits`."""
        levels, scale, low = levels_of(weight)
        blocks, groups = weight.shape[0] // OUTPUTS, weight.shape[1] // GROUP
        pairs = levels.to(torch.uint8).view(blocks, OUTPUTS, groups, GROUP // 2, 2)
        packed = (pairs[..., 0] | pairs[..., 1] << 4).permute(0, 2, 3, 1).reshape(blocks, groups, -1)
        ends = [
            part.bfloat16().view(blocks, OUTPUTS, groups).transpose(1, 2).contiguous().view(torch.uint8)
            for part in (scale, low + 8 * scale)
        ]
        return cls(torch.cat([packed, *ends], dim=-1).view(blocks, -1))


@dataclass(frozen=True, slots=True)
class EightBits:
    """As Int8 holds them: for each pair of inputs, the first of 16 outputs and the second; then 16 scales (float32)."""

    bits: ClassVar[int] = 8

    packed: torch.Tensor  # (out / 16, in * 16 + 64), uint8; the outputs that are missing are 0

    @classmethod
    def of(cls, weight: torch.Tensor) -> "EightBits":
        """A matrix (out, in), `in` even."""
        whole = Int8.of(weight)
        missing = -weight.shape[0] % OUTPUTS
        numbers = pad(whole.packed, (0, 0, 0, missing)).view(-1, OUTPUTS, weight.shape[1] // 2, 2)
        packed = numbers.permute(0, 2, 3, 1).reshape(numbers.shape[0], -1).view(torch.uint8)
        scales = pad(whole.scales.float(), (0, missing)).view(-1, OUTPUTS).view(torch.uint8)
        return cls(torch.cat([packed, scales], dim=-1))


Blocks = FourBits | EightBits
