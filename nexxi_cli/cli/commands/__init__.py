"""The slash commands of the REPL. A new one is a decorated function in a module that MODULES names."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import UsageError

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl

Action = Callable[["Repl", str], Awaitable[None]]
Words = Callable[["Repl"], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Command:
    """One slash command: `usage` shows its arguments, `help` is one line, `words` complete the first argument."""

    name: str
    usage: str
    help: str
    action: Action
    words: Words | None = None


COMMANDS: dict[str, Command] = {}


def command(
    name: str,
    *,
    usage: str = "",
    help: str,  # noqa: A002 - the field's word
    words: Words | None = None,
) -> Callable[[Action], Action]:
    """Register the decorated coroutine as `/name`; it gets the REPL and the rest of the line."""

    def register(action: Action) -> Action:
        COMMANDS[name] = Command(name, f"/{name} {usage}".rstrip(), help, action, words)
        return action

    return register


async def run_command(repl: "Repl", line: str) -> None:
    """Run `/name arguments`. Raises UsageError for an unknown name, with the nearest one."""
    name, arguments = (*line.removeprefix("/").split(maxsplit=1), "", "")[:2]
    found = COMMANDS.get(name.lower())
    if found is None:
        near = get_close_matches(name.lower(), COMMANDS, n=1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists them; a blank before it makes it a message"
        raise UsageError(f"there is no command /{name}: {hint}")
    await found.action(repl, arguments.strip())


MODULES = ("control", "session", "model", "text")

for _module in MODULES:
    import_module(f"{__name__}.{_module}")
