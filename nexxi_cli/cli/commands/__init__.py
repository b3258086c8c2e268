"""The slash commands of the REPL. A new one is a decorated function in a module that MODULES names."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import UsageError

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl

Action = Callable[["Repl", str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Command:
    """One slash command: `usage` shows its arguments, `help` is one line."""

    name: str
    usage: str
    help: str
    action: Action


COMMANDS: dict[str, Command] = {}


def command(name: str, *, usage: str = "", help: str) -> Callable[[Action], Action]:  # noqa: A002 - the field's word
    """Register the decorated coroutine as `/name`; it gets the REPL and the rest of the line."""

    def register(action: Action) -> Action:
        COMMANDS[name] = Command(name, f"/{name} {usage}".rstrip(), help, action)
        return action

    return register


async def run_command(repl: "Repl", line: str) -> None:
    """Run `/name arguments`. Raises UsageError for an unknown name, with the nearest one."""
    name, _, arguments = line.removeprefix("/").partition(" ")
    found = COMMANDS.get(name.lower())
    if found is None:
        near = get_close_matches(name.lower(), COMMANDS, n=1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists the commands"
        raise UsageError(f"there is no command /{name}: {hint}")
    await found.action(repl, arguments.strip())


MODULES = ("control", "session", "model", "text")

for _module in MODULES:
    import_module(f"{__name__}.{_module}")
