"""StreamGuard: redacts a text that comes in pieces, and holds back only what could still grow into a match."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding
from nexxi_cli.service.findings import CONTEXT_CHARS, find_all, moved, redacted

if TYPE_CHECKING:
    from nexxi_cli.core.settings import Mode

Render = Callable[[str, int, Sequence[Finding], int], str]
"""Writes a settled piece as it may leave: its text, where that begins, its findings, and from which character of the
whole text these places are counted."""

_SHARE = 16
"""A search waits until a sixteenth of what is held can go, so that long holds do not cost their square."""

_UNHURRIED_CHARS = 512
"""How much comes between two searches of a text that nobody waits for."""


class StreamGuard:
    """One text, pushed piece by piece; what comes out, joined, is the redacted text, however it was cut.

    "off" lets everything through at once and finds nothing, "observe" lets everything through at once and only
    records. "block" redacts as "redact" does: a reply of which half is already read cannot be taken back.
    """

    def __init__(
        self,
        recognizers: Sequence[Recognizer],
        *,
        types: Collection[str],
        mode: "Mode",
        on_finding: Callable[[Finding], object] | None = None,
        render: Render | None = None,
        context: str = "",
        watch: "StreamGuard | None" = None,
    ) -> None:
        """`on_finding` hears of each finding instead of `findings`, for texts without end.

        render: makes what is let go, instead of placeholders such as <EMAIL>, and alone hears of the findings.
        context: the CONTEXT_CHARS that stood before a text which is a part of another; it begins inside no finding.
        watch: a guard that gets the same text, and only observes.
        """
        self._recognizers = [recognizer for recognizer in recognizers if not recognizer.types.isdisjoint(types)]
        self._types = frozenset(types)
        self._mode = mode
        self._watch = watch
        self._kept: list[Finding] = []
        self._on_finding = on_finding or self._kept.append
        self._render = render
        self._buffer = context  # a little that is already out, as context; then what is held back
        self._held_from = len(context)  # in the buffer
        self._offset = -len(context)  # of the buffer in the whole text

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far; offsets are in the whole text as it was pushed."""
        if self._watch is None:
            return tuple(self._kept)
        return tuple(sorted((*self._kept, *self._watch.findings), key=lambda finding: (finding.start, finding.end)))

    def push(self, text: str) -> str:
        """Take the next piece; return what may go on by now."""
        if self._watch is not None:
            self._watch.push(text)
        if self._mode == "off" or not text:
            return text
        self._buffer += text
        if self._mode == "observe" and len(self._buffer) - self._held_from < _UNHURRIED_CHARS:
            return text
        end = self._open_from()
        worth_it = (end - self._held_from) * _SHARE >= len(self._buffer) - self._held_from
        settled = self._release(end) if worth_it else ""
        return text if self._mode == "observe" else settled

    def finish(self) -> str:
        """The text is over: return the rest."""
        if self._watch is not None:
            self._watch.finish()
        settled = self._release(len(self._buffer))
        return "" if self._mode == "observe" else settled

    def _open_from(self) -> int:
        length = len(self._buffer)
        places = (
            max(recognizer.open_from(self._buffer, self._held_from), length - recognizer.max_chars)
            for recognizer in self._recognizers
        )
        return min(places, default=length)

    def _release(self, end: int) -> str:
        """Settle what is held up to `end`, or less, so that no finding is cut."""
        if end <= self._held_from:
            return ""
        found = find_all(self._recognizers, self._types, self._buffer, self._held_from)
        count = bisect_right(found, end, key=attrgetter("end"))  # those that end by then
        if count < len(found) and found[count].start < end:
            end = found[count].start
        settled = found[:count]
        text = self._buffer[self._held_from : end]
        if self._render is None:
            for finding in moved(settled, self._offset):
                self._on_finding(finding)
            text = redacted(text, settled, self._held_from)
        else:
            text = self._render(text, self._held_from, settled, self._offset)
        dropped = max(0, end - CONTEXT_CHARS)
        self._buffer = self._buffer[dropped:]
        self._held_from = end - dropped
        self._offset += dropped
        return text
