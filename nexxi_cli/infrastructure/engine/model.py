"""What a model is to those who make replies with it: tokens in, the scores of the next token out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from nexxi_cli.infrastructure.engine.checkpoint import Floats
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.shape import Shape


class Model(Protocol):
    """One model, for one thread at a time. It has no state: what was read is in the KeyValues."""

    @property
    def words(self) -> str:
        """What it computes with, for people."""

    def new_text(self) -> KeyValues:
        """Nothing read yet."""

    def read(self, tokens: Sequence[int], text: KeyValues) -> Floats:
        """Read `tokens` after `text`, which then holds them; the scores of what comes next, (vocabulary,)."""

    def follow(self, tokens: Sequence[int], texts: Sequence[KeyValues]) -> Floats:
        """Read one token after each text, all at once; the scores of what comes next, (texts, vocabulary)."""


class Turns:
    """The angles by which heads are turned (arXiv:2104.09864), for positions as far as they were asked for."""

    def __init__(self, shape: Shape) -> None:
        self._angles = np.array(shape.rope)
        self._cos, self._sin = self._tables(0)

    def at(self, places: Sequence[int]) -> tuple[Floats, Floats]:
        """Cosine and signed sine of these places' angles, each (n, head width)."""
        if max(places) >= len(self._cos):
            self._cos, self._sin = self._tables(max(places) + 1)
        return self._cos[list(places)], self._sin[list(places)]

    def _tables(self, positions: int) -> tuple[Floats, Floats]:
        """Of every position, (positions, head width), for half as many again."""
        angles = np.outer(np.arange(max(512, positions * 3 // 2)), self._angles)
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        return np.concatenate([cos, cos], axis=-1), np.concatenate([-sin, sin], axis=-1)
