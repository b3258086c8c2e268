"""Tokens: a text as words and what stands between them; each word's neighbours, in a window of bounded width.

Bounds: a neighbour begins at most LEFT_CHARS before its word or ends at most RIGHT_CHARS after it. So a word is seen
alike wherever reading began, and text that is further away never matters.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

LEFT_CHARS = 60
"""Four fewer than a Recognizer may look, to see that the first word begins there."""

RIGHT_CHARS = 48
LEFT_WORDS = 3
RIGHT_WORDS = 2

_SPLIT = re.compile(r"([^\W\d_]+|[0-9]+)").split


class Tokens:
    """The words of text[begin:end], in order, with their places in the text."""

    def __init__(self, text: str, begin: int, end: int) -> None:
        pieces: Sequence[str] = _SPLIT(text[begin:end])
        self.words = pieces[1::2]
        self.gaps = pieces[::2]
        """gaps[i] stands before words[i]; the last one after all."""
        places = list(accumulate(map(len, pieces), initial=begin))
        self.starts = places[1:-1:2]
        self.ends = places[2::2]

    def left(self, at: int) -> Sequence[int]:
        """Indices of the words before, the nearest first."""
        least = self.starts[at] - LEFT_CHARS
        starts = self.starts
        if at >= LEFT_WORDS and starts[at - LEFT_WORDS] >= least:
            return (at - 1, at - 2, at - 3)
        return [index for index in range(at - 1, max(-1, at - 1 - LEFT_WORDS), -1) if starts[index] >= least]

    def right(self, at: int) -> Sequence[int]:
        """Indices of the words after, the nearest first."""
        most = self.ends[at] + RIGHT_CHARS
        ends = self.ends
        last = at + RIGHT_WORDS
        if last < len(ends) and ends[last] <= most:
            return (at + 1, last)
        return [index for index in range(at + 1, min(len(ends), last + 1)) if ends[index] <= most]
