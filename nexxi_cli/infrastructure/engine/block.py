"""One block of a Llama-like model, in the two parts that lie before and after its attention. Pure arithmetic."""

from dataclasses import dataclass

import torch
from torch.nn.functional import rms_norm, silu

from nexxi_cli.infrastructure.engine.linear import Linear
from nexxi_cli.infrastructure.engine.shape import Shape


@dataclass(frozen=True, slots=True)
class Before:
    """The weights before attention; norms are float32. `query_norm` and `key_norm` (a head wide): Qwen 3's."""

    norm: torch.Tensor
    qkv: Linear
    query_norm: torch.Tensor | None = None
    key_norm: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class After:
    """The weights after attention: its output's, and the feed-forward network's; the norm is float32."""

    output: Linear
    norm: torch.Tensor
    gate_up: Linear
    down: Linear


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one block."""

    before: Before
    after: After


Heads = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Queries, keys and values of new positions, each (n, its heads, head width)."""


@dataclass(frozen=True, slots=True)
class Block:
    """What the blocks of one model share. `dtype` is that of the rows that are multiplied."""

    shape: Shape
    dtype: torch.dtype

    def heads(self, x: torch.Tensor, weights: Before, cos: torch.Tensor, sin: torch.Tensor) -> Heads:
        """Of rows (n, width) float32; cosine and signed sine are (n, 1, head width)."""
        shape = self.shape
        queries, keys, values = (
            weights.qkv(self.normed(x, weights.norm))
            .view(x.shape[0], -1, shape.head_width)
            .split([shape.heads, shape.kv_heads, shape.kv_heads], dim=1)
        )
        if weights.query_norm is not None and weights.key_norm is not None:
            queries = rms_norm(queries.float(), weights.query_norm.shape, weights.query_norm, shape.norm_eps)
            keys = rms_norm(keys.float(), weights.key_norm.shape, weights.key_norm, shape.norm_eps)
        return _rotate(queries, cos, sin).to(self.dtype), _rotate(keys, cos, sin), values

    def after(self, x: torch.Tensor, attended: torch.Tensor, weights: After) -> torch.Tensor:
        """Rows (n, width) float32 with what was attended to, (n, all query heads), and the feed-forward network."""
        x = x + weights.output(attended)
        gate, up = weights.gate_up(self.normed(x, weights.norm)).chunk(2, dim=-1)
        return x + weights.down(silu(gate) * up)

    def normed(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """RMSNorm, as rows to be multiplied."""
        return rms_norm(x, weight.shape, weight, self.shape.norm_eps).to(self.dtype)


def _rotate(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """(n, heads, head width), each pair of dimensions turned by its position; the pairs lie half a head apart."""
    return torch.addcmul(heads * cos, heads.roll(heads.shape[-1] // 2, -1), sin)
