"""The question before something is destroyed."""

import sys

import typer

from nexxi_cli.core.errors import UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal; `yes` does not. Raises UsageError without a terminal, typer.Exit on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on: add --yes")
    if not typer.confirm(question, err=True):
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(1)
