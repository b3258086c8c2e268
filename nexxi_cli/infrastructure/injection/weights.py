"""The classifier's weights: the file that ships with the package. Knows its format; knows not how it came about.

Format 2, little endian: `NXIJ`, the version (1 byte), 3 bytes of nothing, the numbers of word and of concept buckets
(4 bytes each), the bias and the two scales (float32 each), CRC-32 of what follows, one signed byte for each bucket.
"""

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from math import log, sqrt
from zlib import crc32

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.infrastructure.injection.features import BUCKETS, CONCEPT_BUCKETS, WORD_BUCKETS, Block, spans

FILE = "weights.bin"
VERSION = 2

WINDOW_PENALTY = 0.95
"""The highest of many windows is high by chance too: so much of the logarithm of their number is taken off."""

_HEAD = struct.Struct("<4sB3xIIfffI")


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each feature."""

    table: Sequence[float]
    bias: float

    def highest(self, blocks: Sequence[Block]) -> float:
        """Log odds that some window of a text, given by its blocks, is an attack."""
        sums = [0.0, *accumulate(sum(map(self.table.__getitem__, block)) for block in blocks)]
        sizes = [0, *accumulate(map(len, blocks))]
        logits = [
            (sums[end] - sums[start]) / sqrt(max(sizes[end] - sizes[start], 1)) for start, end in spans(len(blocks))
        ]
        return max(logits) + self.bias - WINDOW_PENALTY * log(len(logits))


@cache
def shipped_weights() -> Weights:
    """The weights of this version, read once."""
    return decoded(files(__package__).joinpath(FILE).read_bytes())


def decoded(raw: bytes) -> Weights:
    """The weights that `encoded` made into bytes. Raises NexxiError for anything else."""
    body = raw[_HEAD.size :]
    if len(raw) < _HEAD.size or raw[:4] != b"NXIJ":
        raise NexxiError(f"{FILE} holds no weights of the injection classifier; install nexxi again")
    _, version, words, concepts, bias, word_scale, concept_scale, check = _HEAD.unpack_from(raw)
    if (version, words, concepts) != (VERSION, WORD_BUCKETS, CONCEPT_BUCKETS):
        raise NexxiError(f"{FILE} belongs to another version of nexxi (format {version}); install nexxi again")
    if len(body) != BUCKETS or crc32(body) != check:
        raise NexxiError(f"{FILE} is damaged; install nexxi again")
    steps = array("b", body)
    table = [*_scaled(steps[:WORD_BUCKETS], word_scale), *_scaled(steps[WORD_BUCKETS:], concept_scale)]
    return Weights(table, bias)


def _scaled(steps: "array[int]", scale: float) -> Iterator[float]:
    """Each step as a number; equal ones share it, which keeps the table small."""
    numbers = [step * scale for step in range(128)] + [(step - 256) * scale for step in range(128, 256)]
    return map(numbers.__getitem__, steps.tobytes())


def encoded(weights: Weights) -> bytes:
    """The weights as bytes, each rounded to one of 255 steps; words and concepts have a scale of their own."""
    parts = [weights.table[:WORD_BUCKETS], weights.table[WORD_BUCKETS:]]
    scales = [max(max(map(abs, part)), 1e-9) / 127 for part in parts]
    body = array("b", [round(weight / scale) for part, scale in zip(parts, scales, strict=True) for weight in part])
    raw = body.tobytes()
    return _HEAD.pack(b"NXIJ", VERSION, WORD_BUCKETS, CONCEPT_BUCKETS, weights.bias, *scales, crc32(raw)) + raw
