"""`nexxi redact`: takes personal data out of files and pipes, and leaves every other byte as it is."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nexxi_cli.cli.options import DebugFlag, JsonFlag, QuietFlag, flag


def _option(*names: str, metavar: str, help: str) -> Any:  # noqa: A002 - Typer's word
    return typer.Option(*names, metavar=metavar, help=help)


def redact(
    files: Annotated[list[Path] | None, typer.Argument(help="Files; - or none: standard input.")] = None,
    *,
    operator: Annotated[
        list[str] | None,
        _option(
            "--operator",
            metavar="[TYPE=]NAME",
            help="replace, mask, hash, pseudonym, encrypt or fake; for all or one type; may be repeated.",
        ),
    ] = None,
    types: Annotated[str | None, _option("--types", metavar="TYPES", help="Only these types: EMAIL,PHONE,...")] = None,
    skip: Annotated[str | None, _option("--skip", metavar="TYPES", help="All types but these.")] = None,
    names: Annotated[
        bool, flag("--names", help="People, organisations and places too, which a tagger guesses, at 1 to 4 MB/s.")
    ] = False,
    min_confidence: Annotated[
        float, _option("--min-confidence", metavar="NUMBER", help="Leave what is less certain, 0 to 1.")
    ] = 0.0,
    allow_list: Annotated[
        Path | None,
        _option("--allow-list", metavar="FILE", help="Values or /expressions/, one a line, that may stay."),
    ] = None,
    in_place: Annotated[bool, flag("--in-place", "-i", help="Change the files, each at once and whole.")] = False,
    recursive: Annotated[bool, flag("--recursive", "-r", help="All text files below folders.")] = False,
    include: Annotated[
        list[str] | None, _option("--include", metavar="GLOB", help="With -r: only these files; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, _option("--exclude", metavar="GLOB", help="With -r: not these; may be repeated.")
    ] = None,
    gzip: Annotated[
        bool, flag("--gzip", "-z", help="Standard input and output are gzip; .gz files are read as such anyway.")
    ] = False,
    jsonl: Annotated[
        list[str] | None,
        _option("--jsonl", metavar="FIELD", help="Lines of JSON: only this field, as user.email; may be repeated."),
    ] = None,
    csv: Annotated[
        list[str] | None,
        _option("--csv", metavar="COLUMN", help="A table: only this column, by name or number; may be repeated."),
    ] = None,
    delimiter: Annotated[
        str | None, _option("--delimiter", metavar="CHAR", help="Of --csv; default: the usual one of the first line.")
    ] = None,
    check: Annotated[
        bool, flag("--check", help="Print file:line:column TYPE of what is found, and exit 3 if anything is.")
    ] = False,
    report: Annotated[
        bool, flag("--report", help="Print the findings: a line of JSON a record or file, offsets in characters.")
    ] = False,
    stats: Annotated[bool, flag("--stats", help="Counts by type and rule on standard error; --json: as JSON.")] = False,
    follow: Annotated[bool, flag("--follow", help="Go on as the file grows or is rotated, as tail -F.")] = False,
    jobs: Annotated[int, _option("--jobs", metavar="COUNT", help="Processes to share the work among.")] = 1,
    map_file: Annotated[
        Path | None,
        _option("--map", metavar="FILE", help="Keep placeholders and originals here, encrypted; FILE.key has the key."),
    ] = None,
    restore: Annotated[
        Path | None, _option("--restore", metavar="FILE", help="Put the originals of this map back into the text.")
    ] = None,
    decrypt: Annotated[bool, flag("--decrypt", help="Put back what --operator encrypt took out.")] = False,
    key_file: Annotated[
        Path | None, _option("--key-file", metavar="FILE", help="The key, instead of NEXXI_REDACT_KEY.")
    ] = None,
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Replace personal data by placeholders such as <EMAIL>, from standard input to standard output."""
    from nexxi_cli.cli.redact_options import RedactOptions, check_options

    options = RedactOptions(
        files=tuple(files or ()),
        operators=tuple(operator or ()),
        types=types,
        skip=skip,
        names=names,
        min_confidence=min_confidence,
        allow_list=allow_list,
        in_place=in_place,
        recursive=recursive,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        gzip=gzip,
        jsonl=tuple(jsonl or ()),
        csv=tuple(csv or ()),
        delimiter=delimiter,
        check=check,
        report=report,
        stats=stats,
        follow=follow,
        jobs=jobs,
        map_file=map_file,
        restore=restore,
        decrypt=decrypt,
        key_file=key_file,
        as_json=as_json,
        quiet=quiet,
    )
    check_options(options)
    if options.is_way_back:
        from nexxi_cli.cli.redact_back import put_back

        put_back(options)
    else:
        from nexxi_cli.cli.redact_run import redact_all

        redact_all(options)
