"""The flags of `nexxi redact` as one value, and which of them exclude each other."""

from dataclasses import dataclass
from pathlib import Path

from nexxi_cli.core.errors import UsageError

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class RedactOptions:
    """What the flags say."""

    files: tuple[Path, ...]
    operators: tuple[str, ...]
    types: str | None
    skip: str | None
    names: bool
    min_confidence: float
    allow_list: Path | None
    in_place: bool
    recursive: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    gzip: bool
    jsonl: tuple[str, ...]
    csv: tuple[str, ...]
    delimiter: str | None
    check: bool
    report: bool
    stats: bool
    follow: bool
    jobs: int
    map_file: Path | None
    restore: Path | None
    decrypt: bool
    key_file: Path | None
    as_json: bool
    quiet: bool

    @property
    def paths(self) -> tuple[Path, ...]:
        """What is to be read: files and folders, or standard input."""
        return self.files or (STDIN,)

    @property
    def is_way_back(self) -> bool:
        """Whether originals are put back, and nothing is looked for."""
        return self.restore is not None or self.decrypt

    @property
    def prints_text(self) -> bool:
        """Whether the text itself comes out."""
        return not (self.check or self.report)


def check_options(options: RedactOptions) -> None:
    """Raises UsageError for what cannot be together."""
    looking = {
        "--operator": bool(options.operators),
        "--map": options.map_file is not None,
        "--types": options.types is not None,
        "--skip": options.skip is not None,
        "--names": options.names,
        "--allow-list": options.allow_list is not None,
        "--jsonl": bool(options.jsonl),
        "--csv": bool(options.csv),
        "--check": options.check,
        "--report": options.report,
        "--stats": options.stats,
        "--follow": options.follow,
    }
    for way_back, given in (("--restore", options.restore is not None), ("--decrypt", options.decrypt)):
        for name, other in looking.items():
            _exclude(way_back, name, both=given and other)
    _exclude("--restore", "--decrypt", both=options.restore is not None and options.decrypt)
    _exclude("--check", "--report", both=options.check and options.report)
    _exclude("--jsonl", "--csv", both=bool(options.jsonl and options.csv))
    for name in ("--check", "--report", "--follow"):
        _exclude("--in-place", name, both=options.in_place and looking[name])
    _exclude("--follow", "--jobs", both=options.follow and options.jobs > 1)
    _check_values(options)


def _check_values(options: RedactOptions) -> None:
    if options.in_place and STDIN in options.paths:
        raise UsageError("--in-place needs files: standard input cannot be changed")
    if options.follow and (len(options.files) != 1 or STDIN in options.files or options.recursive):
        raise UsageError("--follow needs one file")
    if (options.include or options.exclude) and not options.recursive:
        raise UsageError("--include and --exclude need --recursive")
    if options.jobs < 1:
        raise UsageError(f"--jobs {options.jobs}: at least 1")
    if not 0 <= options.min_confidence <= 1:
        raise UsageError(f"--min-confidence {options.min_confidence}: from 0 to 1")
    if options.delimiter is not None and (len(options.delimiter) != 1 or options.delimiter in '"\r\n'):
        raise UsageError("--delimiter is one character, no quote and no line end")
    if any("" in field.split(".") for field in options.jsonl):
        raise UsageError("--jsonl: a field is written as user.email")


def _exclude(one: str, other: str, *, both: bool) -> None:
    if both:
        raise UsageError(f"{one} and {other} exclude each other")
