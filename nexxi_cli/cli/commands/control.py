"""/help, /exit, /quit, /clear."""

from typing import TYPE_CHECKING

import typer
from prompt_toolkit.shortcuts import clear as clear_screen

from nexxi_cli.cli.commands import COMMANDS, command

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl

KEYS = (
    ("Enter", "send"),
    ("Alt-Enter, Ctrl-J", "new line"),
    ('"""', "begin and end a text of several lines"),
    ("Tab", "complete a command, a session, a model"),
    ("Ctrl-C", "stop the reply and keep what came"),
    ("Ctrl-R", "search the history"),
    ("Ctrl-X Ctrl-E", "write in $EDITOR"),
    ("Ctrl-D", "leave"),
)


@command("help", help="this list")
async def show_help(repl: "Repl", arguments: str) -> None:
    """Print every command and key."""
    rows = [(each.usage, each.help) for each in COMMANDS.values()] + list(KEYS)
    width = max(len(left) for left, _ in rows)
    for left, right in rows:
        typer.echo(f"  {left:{width}}  {right}")


@command("exit", help="leave (also exit, quit, Ctrl-D)")
async def leave(repl: "Repl", arguments: str) -> None:
    """End the REPL."""
    repl.running = False


@command("quit", help="leave")
async def leave_too(repl: "Repl", arguments: str) -> None:
    """End the REPL."""
    repl.running = False


@command("clear", help="clear the screen and begin a new session")
async def clear(repl: "Repl", arguments: str) -> None:
    """Forget the context; the old session stays stored."""
    await repl.begin_session()
    clear_screen()
