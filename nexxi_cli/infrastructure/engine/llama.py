"""A Llama-like model in torch: tokens in, the scores of the next token out. The whole arithmetic, and nothing else.

Vaswani et al. 2017 (arXiv:1706.03762) with RMSNorm (1910.07467), rotary positions (2104.09864), SwiGLU (2002.05202)
and grouped queries (2305.13245). The sum that runs through the layers is float32, whatever the weights are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from nexxi_cli.infrastructure.engine.block import Block, Heads, Layer
from nexxi_cli.infrastructure.engine.checkpoint import BFLOAT16, Floats, Quantise
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.linear import Linear
from nexxi_cli.infrastructure.engine.model import Model
from nexxi_cli.infrastructure.engine.packs import tensor
from nexxi_cli.infrastructure.engine.shape import Shape


@dataclass(frozen=True, slots=True)
class Weights:
    """A whole model, its matrices held as `kind`. `dtype` is that of the rows that are multiplied, and of keys and
    values.
    """

    embedding: torch.Tensor  # (vocabulary, width)
    layers: Sequence[Layer]
    norm: torch.Tensor
    head: Linear
    dtype: torch.dtype
    kind: Quantise

    @property
    def is_quantised(self) -> bool:
        """Whether decoding has matrices of its own."""
        return self.kind in ("int4", "int8")


class Llama(Model):
    """By torch's kernels."""

    def __init__(self, shape: Shape, weights: Weights) -> None:
        super().__init__(shape, np.dtype(np.float32) if weights.dtype == torch.float32 else BFLOAT16)
        self.weights = weights
        self._block = Block(shape, weights.dtype)

    @property
    def words(self) -> str:
        """As of Model."""
        kind: str = self.weights.kind
        if self.weights.is_quantised:
            kind += " for decoding, bf16 for prompts, not compiled"
        return f"{kind}, threads: {torch.get_num_threads()}, {torch.backends.cpu.get_cpu_capability()}"

    def _scores(
        self, tokens: Sequence[int], texts: Sequence[KeyValues], places: Sequence[int], *, scored: int
    ) -> Floats:
        with torch.inference_mode():
            cos, sin = (torch.from_numpy(turns)[:, None] for turns in self._turns.at(places))
            x = self.weights.embedding[torch.tensor(tokens)].float()  # (n, width)
            attend = self._attending(texts, places)
            for number, layer in enumerate(self.weights.layers):
                x = self._block.after(x, attend(number, self._block.heads(x, layer.before, cos, sin)), layer.after)
            found: Floats = self.weights.head(self._block.normed(x[-scored:], self.weights.norm)).float().numpy()
        return found

    def _attending(self, texts: Sequence[KeyValues], places: Sequence[int]) -> Callable[[int, Heads], torch.Tensor]:
        """What the new positions see in a layer, (n, all query heads)."""
        begin, end = places[0], places[-1] + 1
        if texts[0] is texts[-1]:
            text, seen = tensor(texts[0].kept), self._seen(begin, end)
            return lambda number, heads: self._attend(text, number, heads, seen, begin, end)
        kept = [tensor(text.kept) for text in texts]

        def attend_each(number: int, heads: Heads) -> torch.Tensor:
            rows = zip(kept, places, zip(*(part.split(1) for part in heads), strict=True), strict=True)
            return torch.cat([self._attend(own, number, row, None, place, place + 1) for own, place, row in rows])

        return attend_each

    def _attend(
        self,
        kept: torch.Tensor,
        number: int,
        heads: Heads,
        seen: torch.Tensor | None,
        begin: int,
        end: int,
    ) -> torch.Tensor:
        """What the new positions see, (n, all query heads); their keys and values join those that are kept."""
        shape, n = self.shape, end - begin
        queries, new_keys, new_values = heads
        keys, values = kept[2 * number], kept[2 * number + 1]
        keys[begin:end], values[begin:end] = new_keys, new_values
        first = 0 if shape.window is None else max(0, begin + 1 - shape.window)
        keys, values = (part[first:end].transpose(0, 1) for part in (keys, values))
        if n > 1 and seen is None:
            mixed = scaled_dot_product_attention(
                queries.transpose(0, 1)[None], keys[None], values[None], is_causal=True, enable_gqa=True
            )
            return mixed[0].transpose(0, 1).reshape(n, -1)
        # the heads of a group as more rows, which see alike: a fifth less work than each head by itself
        grouped = queries.view(n, shape.kv_heads, -1, shape.head_width).permute(1, 2, 0, 3)
        mixed = scaled_dot_product_attention(
            grouped.reshape(1, shape.kv_heads, -1, shape.head_width),
            keys[None],
            values[None],
            attn_mask=None if seen is None else seen[:, first:],
        )
        return mixed.view(grouped.shape).permute(2, 0, 1, 3).reshape(n, -1)

    def _seen(self, begin: int, end: int) -> torch.Tensor | None:
        """What is added to the scores of positions (columns): 0 for those that a new one sees, else -inf.

        (heads of a group times n, end); None when each sees all of those before it.
        """
        if end - begin == 1 or (begin == 0 and (self.shape.window is None or end <= self.shape.window)):
            return None
        rows, columns = torch.arange(begin, end)[:, None], torch.arange(end)[None]
        seen = columns <= rows
        if self.shape.window is not None:
            seen = seen & (columns > rows - self.shape.window)
        added = torch.zeros(seen.shape, dtype=self.weights.dtype).masked_fill_(~seen, -torch.inf)
        return added.repeat(self.shape.heads // self.shape.kv_heads, 1)
