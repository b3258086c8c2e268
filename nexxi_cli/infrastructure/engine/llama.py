"""A Llama-like model: tokens in, the scores of the next token out. The whole arithmetic, and nothing else.

Vaswani et al. 2017 (arXiv:1706.03762) with RMSNorm (1910.07467), rotary positions (2104.09864), SwiGLU (2002.05202)
and grouped queries (2305.13245). The sum that runs through the layers is float32, whatever the weights are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch.nn.functional import scaled_dot_product_attention

from nexxi_cli.infrastructure.engine.block import Block, Heads, Layer
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.linear import Linear
from nexxi_cli.infrastructure.engine.shape import Shape


@dataclass(frozen=True, slots=True)
class Weights:
    """A whole model. `dtype` is that of the rows that are multiplied, and of keys and values."""

    embedding: torch.Tensor  # (vocabulary, width)
    layers: Sequence[Layer]
    norm: torch.Tensor
    head: Linear
    dtype: torch.dtype


class Compiled(Protocol):
    """What a compiler has made one kernel each: what lies between two attentions, and one position's attention."""

    @property
    def most_rows(self) -> int:
        """How many rows at most lie between two attentions."""

    def between(
        self, number: int, x: torch.Tensor, attended: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, Heads]:
        """As Block.between, from the layer of this number to the next."""

    def attend_once(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """As Block's."""


class Llama:
    """One model. It has no state: what was read is in the KeyValues."""

    def __init__(self, shape: Shape, weights: Weights) -> None:
        self.shape = shape
        self._weights = weights
        self._block = Block(shape, weights.dtype)
        self._compiled: Compiled | None = None
        self._angles = torch.tensor(shape.rope, dtype=torch.float64)
        self._turns = self._rotations(0)

    @property
    def weights(self) -> Weights:
        """What it computes with."""
        return self._weights

    @property
    def is_compiled(self) -> bool:
        """Whether it uses kernels of a compiler's."""
        return self._compiled is not None

    def use(self, compiled: Compiled) -> None:
        """From now on; may be called while another thread reads."""
        self._compiled = compiled

    def new_text(self) -> KeyValues:
        """Nothing read yet."""
        return KeyValues(self.shape, self._weights.dtype)

    def read(self, tokens: Sequence[int], text: KeyValues) -> torch.Tensor:
        """Read `tokens` after `text`, which then holds them; the scores of what comes next, (vocabulary,) float32."""
        begin, end = text.length, text.length + len(tokens)
        text.reserve(end)
        cos, sin = (table[begin:end, None] for table in self._rotations_to(end))
        seen = self._seen(begin, end)

        def attend(number: int, heads: Heads) -> torch.Tensor:
            return self._attend(text.layers[number], heads, seen, begin, end)

        x = self._through_layers(tokens, cos, sin, attend)
        text.tokens.extend(tokens)
        return self._scores(x[-1:])[0]

    def follow(self, tokens: Sequence[int], texts: Sequence[KeyValues]) -> torch.Tensor:
        """Read one token after each text, all at once; the scores of what comes next, (texts, vocabulary) float32."""
        ends = [text.length + 1 for text in texts]
        for text, end in zip(texts, ends, strict=True):
            text.reserve(end)
        places = torch.tensor(ends) - 1
        cos, sin = (table[places, None] for table in self._rotations_to(max(ends)))

        def attend(number: int, heads: Heads) -> torch.Tensor:
            if len(texts) == 1:
                return self._attend(texts[0].layers[number], heads, None, ends[0] - 1, ends[0])
            queries, keys, values = (part.split(1) for part in heads)
            rows = zip(texts, ends, queries, keys, values, strict=True)
            seen = [self._attend(text.layers[number], (q, k, v), None, end - 1, end) for text, end, q, k, v in rows]
            return torch.cat(seen)

        x = self._through_layers(tokens, cos, sin, attend)
        for token, text in zip(tokens, texts, strict=True):
            text.tokens.append(token)
        return self._scores(x)

    def _through_layers(
        self, tokens: Sequence[int], cos: torch.Tensor, sin: torch.Tensor, attend: Callable[[int, Heads], torch.Tensor]
    ) -> torch.Tensor:
        """Rows (n, width) of `tokens`, after the last layer; `attend` (n, all query heads) has the texts."""
        x = self._weights.embedding[torch.tensor(tokens)].float()
        layers, compiled = self._weights.layers, self._compiled
        if compiled is not None and len(tokens) > compiled.most_rows:
            compiled = None
        heads = self._block.heads(x, layers[0].before, cos, sin)
        for number, (layer, following) in enumerate(pairwise(layers)):
            attended = attend(number, heads)
            if compiled is not None:
                x, heads = compiled.between(number, x, attended, cos, sin)
            else:
                x, heads = self._block.between(x, attended, cos, sin, layer.after, following.before)
        return self._block.after(x, attend(len(layers) - 1, heads), layers[-1].after)

    def _scores(self, x: torch.Tensor) -> torch.Tensor:
        return self._weights.head(self._block.normed(x, self._weights.norm)).float()

    def _attend(
        self,
        kept: tuple[torch.Tensor, torch.Tensor],
        heads: Heads,
        seen: torch.Tensor | None,
        begin: int,
        end: int,
    ) -> torch.Tensor:
        """What the new positions see, (n, all query heads); their keys and values join those that are kept."""
        shape, n = self.shape, end - begin
        queries, new_keys, new_values = heads
        keys, values = kept
        keys[begin:end], values[begin:end] = new_keys, new_values
        first = 0 if shape.window is None else max(0, begin + 1 - shape.window)
        if n == 1 and self._compiled is not None:
            return self._compiled.attend_once(queries, keys[first:end], values[first:end])
        keys, values = (kept[first:end].transpose(0, 1) for kept in (keys, values))
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
        added = torch.zeros(seen.shape, dtype=self._weights.dtype).masked_fill_(~seen, -torch.inf)
        return added.repeat(self.shape.heads // self.shape.kv_heads, 1)

    def _rotations_to(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        if positions > self._turns[0].shape[0]:
            self._turns = self._rotations(positions)
        return self._turns

    def _rotations(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and signed sine of every position's angles, (positions, head width), for half as many again."""
        angles = torch.outer(torch.arange(max(512, positions * 3 // 2), dtype=torch.float64), self._angles)
        cos, sin = angles.cos().float(), angles.sin().float()
        return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)
