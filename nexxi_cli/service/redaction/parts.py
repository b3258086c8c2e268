"""Parts: a long text cut up, so that each part can be looked at by itself, with the findings of the whole.

A part is looked at with what stands before it and what comes after it. Where a finding reaches over the cut, the part
has all of it, and `Done.ended` says so: the next one then begins there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pickle import PickleBuffer
from typing import Self

from nexxi_cli.core.types import Finding
from nexxi_cli.service.findings import CONTEXT_CHARS
from nexxi_cli.service.redaction.outcomes import Counts, Outcome, Redacted
from nexxi_cli.service.redaction.records import Record
from nexxi_cli.service.redaction.searching import Search
from nexxi_cli.service.redaction.texts import RecordText

PART_BYTES = 1 << 19
AHEAD_BYTES = 1 << 17
"""More than the longest match, 20,000 characters of up to 4 bytes; a match that is longer still costs time, no more."""

_STEP_CHARS = 1 << 19
_AHEAD_STEP_CHARS = 1 << 12
_CONTEXT_BYTES = 4 * CONTEXT_CHARS


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a text in UTF-8, cut between characters; `is_last`: nothing comes after `ahead`."""

    body: bytes | memoryview
    before: bytes = b""
    ahead: bytes = b""
    is_last: bool = True

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        """What is long can go beside the rest (PEP 574), and then comes as views."""
        return type(self), (PickleBuffer(self.body), self.before, self.ahead, self.is_last)


@dataclass(frozen=True, slots=True)
class Done:
    """What a part came to: either `out`, ready to be printed, or `events` for the Outcome of the whole text.

    ended: up to which character it was looked at, counted from the part's beginning; `chars` are the part's own.
    """

    ended: int
    chars: int
    out: bytes | memoryview
    counts: Counts
    events: "Sequence[Event]" = ()
    unreadable: int = 0

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        """As of a Part."""
        out = PickleBuffer(self.out)
        return type(self), (self.ended, self.chars, out, self.counts, self.events, self.unreadable)


@dataclass(frozen=True, slots=True)
class Piece:
    """What `Outcome.piece` is to be told."""

    text: str
    at: int
    findings: tuple[Finding, ...]
    origin: int

    @property
    def begin(self) -> int:
        """Where it begins in the part."""
        return self.origin + self.at

    @property
    def end(self) -> int:
        """Where it ends in the part."""
        return self.begin + len(self.text)


@dataclass(frozen=True, slots=True)
class End:
    """That `Outcome.finish` is to be called."""


Event = Piece | Record | End


class Collected:
    """An Outcome that remembers what it is told, for another one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.counts: Counts = Counts()

    def piece(self, text: str, at: int, findings: Sequence[Finding], origin: int) -> str:
        """Remember."""
        self.events.append(Piece(text, at, tuple(findings), origin))
        return ""

    def reaches(self, end: int) -> bool:
        """Whether the last piece ends there or farther on."""
        last = self.events[-1] if self.events else None
        return isinstance(last, Piece) and last.end >= end

    def record(self, record: Record) -> str:
        """Remember."""
        self.events.append(record)
        return ""

    def finish(self) -> str:
        """Remember."""
        self.events.append(End())
        return ""


def replay(events: Sequence[Event], outcome: Outcome, base: int) -> str:
    """Tell `outcome` what was remembered of a part that begins at character `base`; what it makes of it."""
    return "".join(_told(event, outcome, base) for event in events)


def _told(event: Event, outcome: Outcome, base: int) -> str:
    if isinstance(event, Piece):
        return outcome.piece(event.text, event.at, event.findings, event.origin + base)
    return outcome.record(event) if isinstance(event, Record) else outcome.finish()


def look_at_text(search: Search, part: Part, outcome: Redacted | None) -> Done:
    """A part of a text without structure."""
    body, ahead = _decoded(part.body), _decoded(part.ahead)
    collected = Collected()
    guard = search.guard(collected.piece, context=_decoded(part.before)[-CONTEXT_CHARS:])
    for at in range(0, len(body), _STEP_CHARS):
        guard.push(body[at : at + _STEP_CHARS])
    for at in range(0, len(ahead), _AHEAD_STEP_CHARS):
        if collected.reaches(len(body)):
            break
        guard.push(ahead[at : at + _AHEAD_STEP_CHARS])
    if part.is_last:
        guard.finish()
    pieces = list(_up_to(len(body), collected.events))
    ended = pieces[-1].end if pieces else 0
    if outcome is None:
        return Done(ended, len(body), b"", Counts(), pieces)
    out = "".join(outcome.piece(piece.text, piece.at, piece.findings, piece.origin) for piece in pieces)
    return Done(ended, len(body), _encoded(out), _taken(outcome))


def look_at_records(part: Part, text_of: Callable[[Outcome], RecordText], outcome: Redacted | None) -> Done:
    """Whole records of a text. `text_of` makes the RecordText that an Outcome hears from."""
    body = _decoded(part.body)
    heard: Outcome = Collected() if outcome is None else outcome
    text = text_of(heard)
    out = text.push(body) + text.finish()
    events = heard.events if isinstance(heard, Collected) else ()
    counts = Counts() if outcome is None else _taken(outcome)
    return Done(len(body), len(body), _encoded(out), counts, events, text.unreadable)


def cut(
    blocks: Iterator[bytes], *, longest: int | None = None, part_bytes: int = PART_BYTES, ahead_bytes: int = AHEAD_BYTES
) -> Iterator[Part]:
    """Parts of about `part_bytes`, cut behind line ends; without one for so long between characters.

    longest: how much may come without a line end; then only line ends are cut behind. Raises ValueError beyond it.
    """
    waiting: list[bytes] = []
    length = 0
    has_line_end = False
    before = b""
    for block in blocks:
        waiting.append(block)
        length += len(block)
        has_line_end = has_line_end or b"\n" in block
        if length < part_bytes + (0 if longest else ahead_bytes):
            continue
        if longest and not has_line_end:
            if length > longest:
                raise ValueError
            continue
        held = b"".join(waiting)
        end = held.rfind(b"\n") + 1 if longest else _text_end(held, part_bytes)
        rest = held[end:]
        ahead = b"" if longest else rest[: between_characters(rest, ahead_bytes)]
        yield Part(memoryview(held)[:end], before, ahead, is_last=False)
        before = _context(held, end)
        waiting, length, has_line_end = [rest], len(rest), False
    yield Part(b"".join(waiting), before)


def _text_end(held: bytes, part_bytes: int) -> int:
    return held.rfind(b"\n", part_bytes // 2, part_bytes) + 1 or between_characters(held, part_bytes)


def _context(seen: bytes, end: int) -> bytes:
    return seen[between_characters(seen, max(0, end - _CONTEXT_BYTES)) : end]


def continued(before: Part, done: Done, part: Part) -> Part:
    """`part` as it is left by the one before it, which ended elsewhere than at its cut."""
    whole = bytes(before.body) + bytes(part.body)
    if done.ended < done.chars:
        cut_at = len(_encoded(_decoded(before.body)[: done.ended]))
    else:
        cut_at = len(before.body) + len(_encoded(_decoded(part.body)[: done.ended - done.chars]))
    return replace(part, body=whole[cut_at:], before=_context(before.before + whole, len(before.before) + cut_at))


def _up_to(end: int, events: Sequence[Event]) -> Iterator[Piece]:
    """Pieces up to character `end`, or to the end of the finding that reaches over it."""
    for piece in events:
        assert isinstance(piece, Piece)
        if piece.begin >= end:
            return
        if piece.end <= end:
            yield piece
            continue
        cut_at = end - piece.origin
        inside = tuple(one for one in piece.findings if one.start < cut_at)
        last = max(cut_at, inside[-1].end if inside else 0)
        yield replace(piece, text=piece.text[: last - piece.at], findings=inside)


def _taken(outcome: Redacted) -> Counts:
    counts, outcome.counts = outcome.counts, Counts()
    return counts


def between_characters(data: bytes, at: int) -> int:
    """`at`, or up to three bytes less, so that no character of UTF-8 is cut."""
    if at >= len(data):
        return len(data)
    for less in range(4):
        if at - less <= 0 or data[at - less] & 0xC0 != 0x80:
            return max(0, at - less)
    return at  # it is no UTF-8


def _decoded(data: bytes | memoryview) -> str:
    return str(data, "utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
