"""Options that several commands share, with one spelling and one help text each."""

from typing import Annotated, Any

import typer

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def flag(*names: str, help: str) -> Any:  # noqa: A002 - Typer's word
    """An option without a value; its help shows no type."""
    return typer.Option(*names, metavar="", help=help)


DebugFlag = Annotated[bool, flag("--debug", help="Show the traceback of an error.")]
JsonFlag = Annotated[bool, flag("--json", help="Print JSON; errors are JSON on standard error.")]
QuietFlag = Annotated[bool, flag("--quiet", "-q", help="No notes and no progress on standard error.")]
VerboseFlag = Annotated[bool, flag("--verbose", "-v", help="Log what happens on standard error.")]
YesFlag = Annotated[bool, flag("--yes", "-y", help="Do not ask.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME", help="Alias, hub id, folder, .gguf file; a model server's name for it."
    ),
]
