"""`nexxi redact` on its way: each target through the search to where it goes; then what is to be said of it."""

from collections import Counter
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.redact_files import Reader, StandardOutput, Target, Write, targets
from nexxi_cli.cli.redact_options import RedactOptions
from nexxi_cli.cli.redact_setup import OperatorTable, the_fields, the_search
from nexxi_cli.cli.render import note
from nexxi_cli.service.redaction.encodings import TextCodec
from nexxi_cli.service.redaction.outcomes import Checked, Counts, Outcome, Redacted, Reported
from nexxi_cli.service.redaction.texts import PlainText, RecordText, TextStream

if TYPE_CHECKING:
    from nexxi_cli.service.redaction.searching import Search

FOUND = 3
"""Exit code of --check, as of a text that the safety filter refuses."""


def redact_all(options: RedactOptions) -> None:
    """Redact, check or report all targets. Raises typer.Exit with FOUND, and what reading and writing raise."""
    run = Run(options)
    for target in targets(options):
        run.take(target)
    run.end()
    counts = run.counts
    if options.stats:
        from nexxi_cli.cli.redact_stats import print_stats

        print_stats(counts, as_json=options.as_json)
    elif counts:
        by_type: Counter[str] = Counter()
        for (type_, _), count in counts.items():
            by_type[type_] += count
        found = ", ".join(f"{count} {type_}" for type_, count in sorted(by_type.items()))
        note(f"{'redacted' if options.prints_text else 'found'}: {found}", quiet=options.quiet)
    if options.check and counts:
        raise typer.Exit(FOUND)


class Run:
    """One command line: its search, its operators, and what was found so far."""

    def __init__(self, options: RedactOptions) -> None:
        """Raises UsageError, NotFound and what a key or map that cannot be read raises."""
        self._options = options
        self._search: Search = the_search(options)
        self._table = OperatorTable(options, self._search.types)
        the_fields(options)  # what is wrong with them is said before anything is read
        self._reader = Reader(options)
        self._output = StandardOutput(gzipped=options.gzip and options.prints_text and not options.in_place)
        self.counts: Counts = Counter()

    def take(self, target: Target) -> None:
        """Redact, check or report one target."""
        if self._options.in_place:
            self._replace(target)
        else:
            self._pass(target, self._output.write)

    def end(self) -> None:
        """All targets are done."""
        self._output.end()
        if self._table.map is not None:
            self._table.map.sync()

    def _replace(self, target: Target) -> None:
        """A target in which nothing is found is not touched."""
        from nexxi_cli.service.redaction.in_place import InPlace

        with InPlace(target.path, gzipped=target.gzipped) as replacement:
            found = self._pass(target, replacement.write)
            if self._table.map is not None:
                self._table.map.sync()
            if found:
                replacement.commit()

    def _pass(self, target: Target, write: Write) -> int:
        """One target from where it lies to `write`; how much was found in it."""
        outcome = self._outcome(target)
        codec = TextCodec()
        encode = codec.encode if self._options.prints_text else _as_utf_8
        stream = self._stream(outcome)
        for block in self._reader.blocks(target):
            write(encode(stream.push(codec.decode(block))))
        write(encode(stream.push(codec.finish()) + stream.finish()))
        if codec.tail and self._options.prints_text:
            write(codec.tail)
        if isinstance(stream, RecordText) and stream.unreadable:
            kind = "lines of JSON" if self._options.jsonl else "records of a table"
            note(
                f"{target.name}: {stream.unreadable} are no {kind} or too long, and were looked at as plain text",
                quiet=self._options.quiet,
            )
        self.counts.update(outcome.counts)
        return outcome.counts.total()

    def _outcome(self, target: Target) -> Outcome:
        if self._options.check:
            return Checked(target.name)
        if self._options.report:
            fields = len(self._options.jsonl) + len(self._options.csv)
            return Reported(None if target.is_stdin else target.name, fields=fields > 1)
        return Redacted(self._table.operators)

    def _stream(self, outcome: Outcome) -> TextStream:
        fields = the_fields(self._options)
        if fields is None:
            return PlainText(self._search, outcome)
        return RecordText(self._search, fields, outcome)


def _as_utf_8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
