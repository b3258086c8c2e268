"""`nexxi redact --jobs`: parts of all targets go to several processes, and come out in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby

from nexxi_cli.cli.redact_files import Target, Write
from nexxi_cli.cli.redact_run import Run
from nexxi_cli.cli.redact_setup import the_fields
from nexxi_cli.core.errors import NexxiError, UsageError
from nexxi_cli.service.redaction.crew import Crew
from nexxi_cli.service.redaction.encodings import encoding_of
from nexxi_cli.service.redaction.outcomes import Outcome, Redacted
from nexxi_cli.service.redaction.parts import (
    PART_BYTES,
    Done,
    Part,
    continued,
    cut,
    look_at_records,
    look_at_text,
    replay,
)
from nexxi_cli.service.redaction.texts import RecordText

LONGEST_LINE_BYTES = 1 << 25
"""Lines of JSON go to one process as a whole."""


@dataclass(frozen=True, slots=True)
class _Tag:
    """Which target a part is of; `error`: why there is no more of it; `alone`: the blocks of one that is not cut."""

    number: int
    target: Target
    error: NexxiError | None = None
    alone: Iterator[bytes] | None = None


def _place(result: tuple[_Tag, Part | None, Done | None]) -> tuple[int, Target]:
    return result[0].number, result[0].target


_Results = Iterator[tuple[_Tag, Part | None, Done | None]]


def take_all(run: Run, targets: Iterable[Target]) -> None:
    """Redact, check or report all targets. Raises what `Run.read_through` does."""
    jobs = _Jobs(run)
    run.search.find(" ")  # what is compiled on first use is compiled once
    with Crew(jobs.look_at, run.options.jobs, room_bytes=jobs.room_bytes) as crew:
        for (_, target), results in groupby(
            crew.results(jobs.parts(targets)), lambda one: (one[0].number, one[0].target)
        ):
            with run.going_on():
                run.bring(target, partial(jobs.bring, target, results))


class _Jobs:
    """What the processes do, and what is done with what they bring."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._is_rendered_there = run.options.prints_text and not run.table.has_memory
        self.room_bytes = PART_BYTES + LONGEST_LINE_BYTES if run.options.jsonl else 4 * PART_BYTES

    def parts(self, targets: Iterable[Target]) -> Iterator[tuple[_Tag, Part | None]]:
        """The parts of all targets, in order."""
        for number, target in enumerate(targets):
            tag = _Tag(number, target)
            try:
                blocks = self._run.reader.blocks(target)
                first = next(blocks, b"")
                blocks = chain((first,), blocks)
                if self._run.options.csv or encoding_of(first) != "utf-8":
                    yield _Tag(number, target, alone=blocks), None
                    continue
                for part in self._cut(target, blocks):
                    yield tag, part
            except NexxiError as error:
                yield _Tag(number, target, error), None

    def look_at(self, part: Part) -> Done:
        """In a process of its own."""
        outcome = Redacted(self._run.table.operators) if self._is_rendered_there else None
        if not self._run.options.jsonl:
            return look_at_text(self._run.search, part, outcome)
        return look_at_records(part, self._records, outcome)

    def bring(self, target: Target, results: _Results, write: Write) -> int:
        """What became of the parts of a target, to `write`; how much was found in it."""
        outcome = self._run.outcome(target)
        base = unreadable = 0
        before: tuple[Part, Done] | None = None
        for tag, part, done in results:
            if tag.error is not None:
                raise tag.error
            if tag.alone is not None:
                return self._run.read_through(target, write, tag.alone)
            assert part is not None
            assert done is not None
            if before is not None and before[1].ended != before[1].chars:
                part = continued(*before, part)
                done = self.look_at(part)
            write(done.out if self._is_rendered_there else replay(done.events, outcome, base).encode(*_UTF_8))
            outcome.counts.update(done.counts)
            base += done.ended
            unreadable += done.unreadable
            before = part, done
        write(outcome.finish().encode(*_UTF_8))
        self._run.say_unreadable(target, unreadable)
        self._run.counts.update(outcome.counts)
        return outcome.counts.total()

    def _cut(self, target: Target, blocks: Iterator[bytes]) -> Iterator[Part]:
        try:
            yield from cut(blocks, longest=LONGEST_LINE_BYTES if self._run.options.jsonl else None)
        except ValueError as error:
            raise UsageError(f"{target.name} has a line that is too long for --jobs; leave it out") from error

    def _records(self, outcome: Outcome) -> RecordText:
        fields = the_fields(self._run.options)
        assert fields is not None
        return RecordText(self._run.search, fields, outcome)


_UTF_8 = ("utf-8", "surrogateescape")
