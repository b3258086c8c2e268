"""What a model is to those who make replies with it: tokens in, the scores of the next token out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from nexxi_cli.infrastructure.engine.checkpoint import BFLOAT16, Floats
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.shape import Shape


class Model(ABC):
    """One model, for one thread at a time. It has no state: what was read is in the KeyValues."""

    def __init__(self, shape: Shape, kept_as: np.dtype[Any] = BFLOAT16) -> None:
        """`kept_as`: the numbers of keys and values."""
        self.shape = shape
        self._kept_as = kept_as
        self._turns = Turns(shape)

    @property
    @abstractmethod
    def words(self) -> str:
        """What it computes with, for people."""

    def new_text(self) -> KeyValues:
        """Nothing read yet."""
        return KeyValues(self.shape, self._kept_as)

    def read(self, tokens: Sequence[int], text: KeyValues) -> Floats:
        """Read `tokens` after `text`, which then holds them; the scores of what comes next, (vocabulary,)."""
        begin, end = text.length, text.length + len(tokens)
        text.reserve(end)
        scores = self._scores(tokens, [text] * len(tokens), range(begin, end), scored=1)
        text.tokens.extend(tokens)
        return scores.reshape(-1)

    def follow(self, tokens: Sequence[int], texts: Sequence[KeyValues]) -> Floats:
        """Read one token after each text, all at once; the scores of what comes next, (texts, vocabulary)."""
        places = [text.length for text in texts]
        for text, place in zip(texts, places, strict=True):
            text.reserve(place + 1)
        scores = self._scores(tokens, texts, places, scored=len(texts))
        for token, text in zip(tokens, texts, strict=True):
            text.tokens.append(token)
        return scores

    @abstractmethod
    def _scores(
        self, tokens: Sequence[int], texts: Sequence[KeyValues], places: Sequence[int], *, scored: int
    ) -> Floats:
        """Of what follows each of the last `scored` tokens, (scored, vocabulary).

        The tokens come at these places of these texts, which have room for them and hold what lies before: places of
        one text that follow each other, or one of each.
        """


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
