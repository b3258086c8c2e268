"""The keys and values of what a model has read, and which texts' are kept for the next turn."""

from collections import OrderedDict
from collections.abc import Sequence

import torch

from nexxi_cli.infrastructure.engine.shape import Shape

STEP = 256
"""Positions by which room grows: a page of memory is touched when it is written, not when it is asked for."""


class KeyValues:
    """Keys and values of one text, for each layer (positions, kv heads, head width). `tokens` are those it holds."""

    def __init__(self, shape: Shape, dtype: torch.dtype) -> None:
        self._shape = shape
        self.dtype = dtype
        self._room = 0
        self.tokens: list[int] = []
        self.layers: list[tuple[torch.Tensor, torch.Tensor]] = []

    @property
    def length(self) -> int:
        """Positions that are held."""
        return len(self.tokens)

    @property
    def size_bytes(self) -> int:
        """Memory of all positions that there is room for."""
        return int(2 * self._shape.layers * self._shape.kv_width * self._room * self.dtype.itemsize)

    def reserve(self, positions: int) -> None:
        """Make room for so many positions in all."""
        if positions <= self._room:
            return
        room = -(-positions // STEP) * STEP
        size = (room, self._shape.kv_heads, self._shape.head_width)
        grown: list[tuple[torch.Tensor, torch.Tensor]] = []
        for layer in range(self._shape.layers):
            keys, values = torch.empty(size, dtype=self.dtype), torch.empty(size, dtype=self.dtype)
            if self._room and self.length:
                keys[: self.length] = self.layers[layer][0][: self.length]
                values[: self.length] = self.layers[layer][1][: self.length]
            grown.append((keys, values))
        self.layers, self._room = grown, room

    def keep(self, positions: int) -> None:
        """Forget what comes after so many positions."""
        del self.tokens[positions:]


class Prefixes:
    """Texts that were read before, the most recently used last, in at most so many bytes; each belongs to an owner.

    What one owner's texts have in common with another's is not shared: the time of an answer would tell it.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[int, tuple[str, KeyValues]] = OrderedDict()

    def take(self, owner: str, prompt: Sequence[int]) -> KeyValues | None:
        """The owner's text that shares the longest beginning with `prompt`, cut to it. Who takes it, has it alone.

        The last token of the prompt is left to be read: the answer follows from it.
        """
        best, longest = None, 0
        for key, (whose, text) in self._kept.items():
            shared = common(text.tokens, prompt) if whose == owner else 0
            if shared >= longest and shared > 0:
                best, longest = key, shared
        if best is None:
            return None
        text = self._kept.pop(best)[1]
        text.keep(min(longest, len(prompt) - 1))
        return text

    def put(self, owner: str, text: KeyValues) -> None:
        """Keep a text; the oldest ones make room for it."""
        self._kept[id(text)] = (owner, text)
        while self._kept and sum(kept.size_bytes for _, kept in self._kept.values()) > self._limit_bytes:
            self._kept.popitem(last=False)


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    for place, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return place
    return min(len(left), len(right))
