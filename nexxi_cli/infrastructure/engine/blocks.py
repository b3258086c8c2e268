"""Matrices as the compiled step reads them: in blocks of 16 outputs."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import pad

from nexxi_cli.infrastructure.engine.kernels import OUTPUTS
from nexxi_cli.infrastructure.engine.linear import GROUP, Int8, levels_of

QUAD = 4
"""Inputs that one instruction multiplies and adds up."""
PAIR = 2 * GROUP
"""Inputs come in pairs of groups; where one is missing, zeros stand for it."""
MIDDLE = 8
"""The level from which those of four bits are counted."""


@dataclass(frozen=True, slots=True)
class FourBits:
    """The levels that Int4 has, 0 to 15, a group of 32 inputs after another: 16 inputs and the next 16 in the halves of
    bytes, four inputs of each output beside each other. After two groups come 16 scales of each (float16), and what
    level 8 stands for in both, for each output (bfloat16).
    """

    bits: ClassVar[int] = 4

    packed: torch.Tensor  # (out / 16, in / 64 * 640), uint8

    @classmethod
    def of(cls, weight: torch.Tensor) -> "FourBits":
        """A matrix (out, in) that `fits_four_bits`."""
        levels, scale, low = levels_of(weight)
        missing = -levels.shape[1] % 2
        parts = (levels.to(torch.uint8), scale.half(), (low + MIDDLE * scale).bfloat16())
        levels, scale, middle = (pad(part, (0, 0, 0, missing)) for part in parts)
        blocks, pairs = weight.shape[0] // OUTPUTS, levels.shape[1] // 2
        halves = levels.view(blocks, OUTPUTS, pairs, 2, 2, GROUP // 2 // QUAD, QUAD)
        both = halves[:, :, :, :, 0] | halves[:, :, :, :, 1] << 4  # (blocks, outputs, pairs, 2, quads, 4)
        rows = [
            both.permute(0, 2, 3, 4, 1, 5),
            scale.view(blocks, OUTPUTS, pairs, 2).permute(0, 2, 3, 1),
            middle.view(blocks, OUTPUTS, pairs, 2).transpose(1, 2),
        ]
        return cls(torch.cat([part.reshape(blocks, pairs, -1).view(torch.uint8) for part in rows], -1).view(blocks, -1))


@dataclass(frozen=True, slots=True)
class EightBits:
    """As Int8 holds them, 128 added: four inputs of each output beside each other; then 16 scales (float32)."""

    bits: ClassVar[int] = 8

    packed: torch.Tensor  # (out / 16, in * 16 + 64), uint8; `in` is a multiple of 64, and what is missing is 0

    @classmethod
    def of(cls, weight: torch.Tensor) -> "EightBits":
        """A matrix (out, in)."""
        whole = Int8.of(weight)
        missing = -weight.shape[0] % OUTPUTS
        numbers = pad(whole.packed, (0, -weight.shape[1] % PAIR, 0, missing))
        quads = numbers.view(-1, OUTPUTS, numbers.shape[1] // QUAD, QUAD).permute(0, 2, 1, 3)
        packed = (quads.to(torch.int16) + 128).to(torch.uint8).reshape(quads.shape[0], -1)
        scales = pad(whole.scales.float(), (0, missing)).view(-1, OUTPUTS).view(torch.uint8)
        return cls(torch.cat([packed, scales], dim=-1))
