"""The keys and values of what a model has read, and which texts' are kept for the next turn."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from nexxi_cli.infrastructure.engine.checkpoint import BFLOAT16, Array
from nexxi_cli.infrastructure.engine.shape import Shape

STEP = 256
"""Positions by which memory is counted, and the least that room is made for."""
BLOCK = 16
"""Positions whose keys and values lie together for the compiled step. A divisor of STEP."""
LINE_BYTES = 64
"""Of the processor's cache: what begins with one is read line by line."""


class KeyValues:
    """Keys and values of one text. `tokens` are those it holds.

    `kept` has them by layer, its keys before its values: (2 * layers, room, kv heads, head width). Once they lie
    `in_blocks`, each BLOCK of positions has the order of `step/attention.h`: one head after another, of which keys
    have each two numbers of a position beside those of the others, values each number of two positions beside the
    others.
    """

    def __init__(self, shape: Shape, dtype: np.dtype[Any] = BFLOAT16) -> None:
        self.tokens: list[int] = []
        self._written = 0
        self.in_blocks = False
        self.kept = _room_for((2 * shape.layers, 0, shape.kv_heads, shape.head_width), dtype)

    @property
    def length(self) -> int:
        """Positions that are held."""
        return len(self.tokens)

    @property
    def size_bytes(self) -> int:
        """Memory of all positions that were ever written to: what there is only room for takes none."""
        written = -(-self._written // STEP) * STEP
        layers, _, heads, width = self.kept.shape
        return int(layers * written * heads * width * self.kept.itemsize)

    def reserve(self, positions: int) -> None:
        """Make room for so many positions in all; as they will be written, they count from now on."""
        self._written = max(self._written, positions)
        layers, room, heads, width = self.kept.shape
        if positions <= room:
            return
        grown = _room_for((layers, max(2 * room, -(-positions // STEP) * STEP), heads, width), self.kept.dtype)
        held = -(-self.length // BLOCK) * BLOCK
        grown[:, :held] = self.kept[:, :held]
        self.kept = grown

    def put_in_blocks(self) -> None:
        """Change the order, if they do not lie so."""
        if not self.in_blocks:
            self.in_blocks = True
            layers, room, heads, width = self.kept.shape
            blocks = layers // 2 * room // BLOCK
            keys, values = self.kept[::2], self.kept[1::2]
            of_keys = keys.reshape(blocks, BLOCK, heads, width // 2, 2).transpose(0, 2, 3, 1, 4)
            of_values = values.reshape(blocks, BLOCK // 2, 2, heads, width).transpose(0, 3, 1, 4, 2)
            keys[:], values[:] = of_keys.reshape(keys.shape), of_values.reshape(values.shape)

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


def _room_for(size: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of zeros, which takes no memory until it is written to and, for the kernels, begins with a line."""
    size_bytes = math.prod(size) * dtype.itemsize
    room = np.zeros(size_bytes + LINE_BYTES, np.uint8)
    begin = -room.ctypes.data % LINE_BYTES
    return room[begin : begin + size_bytes].view(dtype).reshape(size)
