"""Options that several commands share, with one spelling and one help text each."""

from typing import Annotated

import typer

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

DebugFlag = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON; errors are JSON on standard error.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress on standard error.")]
VerboseFlag = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens on standard error.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Alias, hub id, folder of safetensors, or .gguf file.", show_default=False),
]
