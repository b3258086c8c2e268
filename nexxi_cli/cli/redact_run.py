"""`nexxi redact` on its way: each target through the search to where it goes; then what is to be said of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import typer

from nexxi_cli.cli.redact_files import Reader, StandardOutput, Target, Write, end_cleanly, targets
from nexxi_cli.cli.redact_options import RedactOptions
from nexxi_cli.cli.redact_setup import OperatorTable, the_fields, the_search
from nexxi_cli.cli.render import error_line, note
from nexxi_cli.core.errors import NexxiError, NotFound
from nexxi_cli.service.redaction.encodings import TextCodec
from nexxi_cli.service.redaction.outcomes import Checked, Counts, Outcome, Redacted, Reported
from nexxi_cli.service.redaction.texts import PlainText, RecordText, TextStream

FOUND = 3
"""Exit code of --check, as of a text that the safety filter refuses."""

Pass = Callable[[Write], int]
"""Brings a target to where it is written; how much was found in it."""


def redact_all(options: RedactOptions) -> None:
    """Redact, check or report all targets. Raises typer.Exit with FOUND, and what reading and writing raise."""
    run = Run(options)
    if options.jobs > 1:
        from nexxi_cli.cli.redact_jobs import take_all

        take_all(run, targets(options, run.fail))
    else:
        _take_all(run, targets(options, run.fail))
    run.end()
    _say(run.counts, options)
    if run.failed:
        raise typer.Exit(1)
    if options.check and run.counts:
        raise typer.Exit(FOUND)


def _take_all(run: "Run", all_targets: Iterable[Target]) -> None:
    for target in all_targets:
        with run.going_on():
            run.bring(target, partial(run.read_through, target))


def _say(counts: Counts, options: RedactOptions) -> None:
    if options.stats:
        from nexxi_cli.cli.redact_stats import print_stats

        print_stats(counts, as_json=options.as_json)
        return
    by_type: Counter[str] = Counter()
    for (type_, _), count in counts.items():
        by_type[type_] += count
    if by_type:
        found = ", ".join(f"{count} {type_}" for type_, count in sorted(by_type.items()))
        note(f"{'redacted' if options.prints_text else 'found'}: {found}", quiet=options.quiet)


class Run:
    """One command line: its search, its operators, what was found so far, and whether a file could not be read."""

    def __init__(self, options: RedactOptions) -> None:
        """Raises UsageError, NotFound and what a key or map that cannot be read raises."""
        self.options = options
        self.search = the_search(options)
        self.table = OperatorTable(options, self.search.types)
        the_fields(options)  # what is wrong with them is said before anything is read
        self.reader = Reader(options)
        self._output = StandardOutput(gzipped=options.gzip and options.prints_text and not options.in_place)
        self.counts: Counts = Counter()
        self.failed = False

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """With --recursive, a file that cannot be read is named, and the next one comes."""
        try:
            yield
        except NexxiError as error:
            if not self.options.recursive or type(error) not in (NexxiError, NotFound):
                raise
            self.fail(error)

    def fail(self, error: NexxiError) -> None:
        """Name what could not be read."""
        note(f"nexxi: {error_line(error)}")
        self.failed = True

    def bring(self, target: Target, pass_on: Pass) -> None:
        """Have a target passed on to where it goes. In place, one in which nothing is found is not touched."""
        if not self.options.in_place:
            pass_on(self._output.write)
            return
        from nexxi_cli.service.redaction.in_place import InPlace

        end_cleanly()
        with InPlace(target.path, gzipped=target.gzipped) as replacement:
            found = pass_on(replacement.write)
            if self.table.map is not None:
                self.table.map.sync()
            if found:
                replacement.commit()

    def end(self) -> None:
        """All targets are done."""
        self._output.end()
        if self.table.map is not None:
            self.table.map.sync()

    def read_through(self, target: Target, write: Write, blocks: Iterator[bytes] | None = None) -> int:
        """One target from where it lies, or its `blocks`, to `write`; how much was found in it."""
        outcome = self.outcome(target)
        codec = TextCodec()
        encode = codec.encode if self.options.prints_text else _as_utf_8
        stream = self._stream(outcome)
        for block in self.reader.blocks(target) if blocks is None else blocks:
            write(encode(stream.push(codec.decode(block))))
        write(encode(stream.push(codec.finish()) + stream.finish()))
        if codec.tail and self.options.prints_text:
            write(codec.tail)
        if isinstance(stream, RecordText):
            self.say_unreadable(target, stream.unreadable)
        self.counts.update(outcome.counts)
        return outcome.counts.total()

    def outcome(self, target: Target) -> Outcome:
        """What is made of the findings in this target."""
        if self.options.check:
            return Checked(target.name)
        if self.options.report:
            fields = len(self.options.jsonl) + len(self.options.csv)
            return Reported(None if target.is_stdin else target.name, records=fields > 0, fields=fields > 1)
        return Redacted(self.table.operators)

    def say_unreadable(self, target: Target, count: int) -> None:
        """That so many records were none."""
        if count:
            kind = "lines of JSON" if self.options.jsonl else "records of a table"
            note(
                f"{target.name}: {count} are no {kind} or too long, and were looked at as plain text",
                quiet=self.options.quiet,
            )

    def _stream(self, outcome: Outcome) -> TextStream:
        fields = the_fields(self.options)
        if fields is None:
            return PlainText(self.search, outcome)
        return RecordText(self.search, fields, outcome)


def _as_utf_8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
