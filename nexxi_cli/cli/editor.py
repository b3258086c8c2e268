"""The input line of the REPL, over prompt-toolkit: history, completion, several lines, $EDITOR, a status bar."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

if TYPE_CHECKING:
    from nexxi_cli.cli.commands import Command

QUOTES = '"""'


class HasToolbar(Protocol):
    """Whoever knows what the status bar says."""

    def toolbar(self) -> str:
        """One line."""


def new_prompt_session(
    owner: HasToolbar, *, history: Path, commands: "Mapping[str, Command]", words: Callable[[], Iterable[str]] = tuple
) -> PromptSession[str]:
    """The input line. Enter sends; Alt-Enter, Ctrl-J and an open triple quote make a new line."""
    return PromptSession(
        message=">>> ",
        multiline=True,
        prompt_continuation="... ",
        history=_history(history),
        completer=_CommandCompleter(commands),
        complete_while_typing=Condition(lambda: True),
        key_bindings=_keys(),
        bottom_toolbar=owner.toolbar,
        enable_open_in_editor=True,
        tempfile_suffix=".md",
        enable_history_search=False,
        mouse_support=False,
    )


def unwrapped(text: str) -> str:
    """The text between the triple quotes of a block; any other text as it is."""
    stripped = text.strip()
    if stripped.startswith(QUOTES):
        return stripped.removeprefix(QUOTES).removesuffix(QUOTES).strip("\n")
    return text


def _history(path: Path) -> History:
    """Kept in a file that only its owner reads; in memory where no file can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        text = buffer.text.strip()
        block_is_open = text.startswith(QUOTES) and not (len(text) > len(QUOTES) and text.endswith(QUOTES))
        if block_is_open:
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-x", "c-e")
    def edit(event: KeyPressEvent) -> None:
        event.current_buffer.open_in_editor()

    return keys


class _CommandCompleter(Completer):
    """Completes slash commands at the start of the input."""

    def __init__(self, commands: "Mapping[str, Command]") -> None:
        self._commands = commands

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Commands that begin with what was typed."""
        typed = document.text_before_cursor
        if not typed.startswith("/") or " " in typed or "\n" in typed:
            return
        for name, command in self._commands.items():
            if name.startswith(typed[1:]):
                yield Completion("/" + name, start_position=-len(typed), display_meta=command.help)
