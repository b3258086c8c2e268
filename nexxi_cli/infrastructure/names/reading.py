"""Reading: the words of a part of a text, and which of them may belong to names. Knows no weights."""

from collections.abc import Callable, Iterator

from nexxi_cli.infrastructure.names.gaps import gap_of
from nexxi_cli.infrastructure.names.lexicon import ALWAYS, BESIDE, BESIDE_SMALL, CONNECTING, LONG, NEVER, Word
from nexxi_cli.infrastructure.names.tokens import LEFT_CHARS, RIGHT_CHARS, RIGHT_WORDS, Tokens

NOTHING = Word(NEVER, "", "", "", "")
"""Stands where there is no word in reach."""

Around = tuple[Word, Word, Word, Word, Word, Word]


class Reading:
    """The words of a part of a text, which of them may belong to names, and what stands around those."""

    def __init__(self, tokens: Tokens, look_up: Callable[[str], Word]) -> None:
        self.tokens = tokens
        self.words = list(map(look_up, tokens.words))

    def candidates(self, end: int) -> Iterator[int]:
        """Indices below `end` of the words that may belong to a name."""
        words = self.words
        levels = bytes([word.candidate for word in words])
        padded = b"\0\0%b\0\0" % levels
        for at in range(end):
            level = levels[at]
            if level == NEVER or (level != ALWAYS and ALWAYS not in padded[at : at + 5]) or self._is_glued(at):
                continue
            if level == ALWAYS:
                if words[at].shape != "x" or not self._follows_capitals(at):
                    yield at
            elif (level == BESIDE and self._is_close(at)) or self._is_beside(at):
                yield at

    def undecided(self, end: int) -> int:
        """Index of the first word that text after `end` may make a part of a name, or change as such."""
        ends, count = self.tokens.ends, len(self.words)
        is_cut = count > 0 and ends[-1] == end
        for at in range(max(0, count - RIGHT_WORDS - is_cut), count):
            if ends[at] + RIGHT_CHARS < end:
                continue
            if self.words[at].candidate != NEVER or (is_cut and at == count - 1 and self.words[at] is not LONG):
                return at
        return count

    def _is_glued(self, at: int) -> bool:
        """Whether a word is a part of an identifier, of an address of e-mail, of a time or of a decimal number."""
        gaps, words = self.tokens.gaps, self.words
        before, after = gap_of(gaps[at]), gap_of(gaps[at + 1])
        if (not before.text and at) or (not after.text and at + 1 < len(words)):
            return True
        if words[at].shape != "9":
            return before.glues_next or after.glues_last
        if before.counts_next or after.counts_last:
            return True
        if before.text == "." and at and words[at - 1].shape == "9":
            return True
        return after.text == "." and at + 1 < len(words) and words[at + 1].shape == "9"

    def _follows_capitals(self, at: int) -> bool:
        """Whether a word in small letters follows a name in capitals: `Pereira mora` is no name."""
        if at == 0 or self.tokens.gaps[at] != " ":
            return False
        before = self.words[at - 1]
        return before.shape[0] == "X" and "M" not in before.flags and any(flag in before.flags for flag in "FLCB")

    def _is_close(self, at: int) -> bool:
        """Whether all neighbours are in reach."""
        starts, ends = self.tokens.starts, self.tokens.ends
        return (
            3 <= at < len(ends) - 2
            and starts[at - 3] >= starts[at] - LEFT_CHARS
            and ends[at + 2] <= ends[at] + RIGHT_CHARS
        )

    def _is_beside(self, at: int) -> bool:
        """Whether words that are enough by themselves stand where this one needs them: connectors need two."""
        words = self.words
        candidate = words[at].candidate
        after = [words[index] for index in self.tokens.right(at)]
        if candidate == CONNECTING and all(word.candidate != ALWAYS for word in after):
            return False
        before = [words[index] for index in self.tokens.left(at)[:2]]
        if candidate == CONNECTING:
            return any(word.candidate == ALWAYS for word in before)
        if candidate == BESIDE_SMALL:
            return any(word.candidate == ALWAYS and word.shape == "x" for word in (*before, *after))
        return any(word.candidate == ALWAYS for word in (*before, *after))

    def around(self, at: int) -> Around:
        """The word, three before it, the nearest first, and two after it."""
        words = self.words
        if self._is_close(at):
            later = at + 2
            first, earlier, before, word, after = words[at - 3 : later]
            return word, before, earlier, first, after, words[later]
        left, right = self.tokens.left(at), self.tokens.right(at)
        near = [words[index] for index in left] + [NOTHING] * (3 - len(left))
        after_it = [words[index] for index in right] + [NOTHING] * (2 - len(right))
        return words[at], near[0], near[1], near[2], after_it[0], after_it[1]
