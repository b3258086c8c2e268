"""A Llama-like model: tokens in, the scores of the next token out. The whole arithmetic, and nothing else.

Vaswani et al. 2017 (arXiv:1706.03762) with RMSNorm (1910.07467), rotary positions (2104.09864), SwiGLU (2002.05202)
and grouped queries (2305.13245). The sum that runs through the layers is float32, whatever the weights are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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


Compiled = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Sequence[KeyValues], Sequence[int], int], torch.Tensor]
"""Tokens through all layers by a compiler's code; what the arguments are, CompiledStep's call says."""


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
        if self._compiled is not None:
            scores = self._step(self._compiled, tokens, [text] * len(tokens), range(begin, end), scored=1)
        else:
            seen = self._seen(begin, end)

            def attend(number: int, heads: Heads) -> torch.Tensor:
                return self._attend(text, number, heads, seen, begin, end)

            scores = self._scores(self._through_layers(tokens, range(begin, end), attend)[-1:])
        text.tokens.extend(tokens)
        return scores[0]

    def follow(self, tokens: Sequence[int], texts: Sequence[KeyValues]) -> torch.Tensor:
        """Read one token after each text, all at once; the scores of what comes next, (texts, vocabulary) float32."""
        places = [text.length for text in texts]
        for text, place in zip(texts, places, strict=True):
            text.reserve(place + 1)
        if self._compiled is not None:
            scores = self._step(self._compiled, tokens, texts, places, scored=len(texts))
        else:
            scores = self._scores(self._through_layers(tokens, places, partial(self._attend_each, texts, places)))
        for token, text in zip(tokens, texts, strict=True):
            text.tokens.append(token)
        return scores

    def _step(
        self,
        compiled: Compiled,
        tokens: Sequence[int],
        texts: Sequence[KeyValues],
        places: Sequence[int],
        *,
        scored: int,
    ) -> torch.Tensor:
        x = self._weights.embedding[torch.tensor(tokens)].float()
        cos, sin = self._turns_at(places)
        return compiled(x, cos, sin, texts, places, scored)

    def _attend_each(
        self, texts: Sequence[KeyValues], places: Sequence[int], number: int, heads: Heads
    ) -> torch.Tensor:
        """What the next position of each text sees, in a layer."""
        rows = zip(texts, places, zip(*(part.split(1) for part in heads), strict=True), strict=True)
        return torch.cat([self._attend(text, number, row, None, place, place + 1) for text, place, row in rows])

    def _through_layers(
        self, tokens: Sequence[int], places: Sequence[int], attend: Callable[[int, Heads], torch.Tensor]
    ) -> torch.Tensor:
        """Rows (n, width) of `tokens`, after the last layer; `attend` (n, all query heads) has the texts."""
        cos, sin = (turns[:, None] for turns in self._turns_at(places))
        x = self._weights.embedding[torch.tensor(tokens)].float()
        for number, layer in enumerate(self._weights.layers):
            x = self._block.after(x, attend(number, self._block.heads(x, layer.before, cos, sin)), layer.after)
        return x

    def _scores(self, x: torch.Tensor) -> torch.Tensor:
        return self._weights.head(self._block.normed(x, self._weights.norm)).float()

    def _attend(
        self,
        text: KeyValues,
        number: int,
        heads: Heads,
        seen: torch.Tensor | None,
        begin: int,
        end: int,
    ) -> torch.Tensor:
        """What the new positions see, (n, all query heads); their keys and values join those that are kept."""
        shape, n = self.shape, end - begin
        queries, new_keys, new_values = heads
        keys, values = text.kept[2 * number], text.kept[2 * number + 1]
        keys[begin:end], values[begin:end] = new_keys, new_values
        first = 0 if shape.window is None else max(0, begin + 1 - shape.window)
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

    def _turns_at(self, places: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and signed sine of these places' angles, each (n, head width)."""
        if max(places) >= self._turns[0].shape[0]:
            self._turns = self._rotations(max(places) + 1)
        at, (cos, sin) = torch.tensor(places), self._turns
        return cos[at], sin[at]

    def _rotations(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and signed sine of every position's angles, (positions, head width), for half as many again."""
        angles = torch.outer(torch.arange(max(512, positions * 3 // 2), dtype=torch.float64), self._angles)
        cos, sin = angles.cos().float(), angles.sin().float()
        return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)
