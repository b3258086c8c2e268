"""The input line of the REPL, over prompt-toolkit: history, completion, several lines, $EDITOR, a status bar."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

if TYPE_CHECKING:
    from nexxi_cli.cli.commands import Command

QUOTES = '"""'

Words = Callable[[str], Awaitable[Sequence[str]]]
"""From a command's name to what may stand after it."""


def new_prompt_session(
    *, history: Path | None, commands: "Mapping[str, Command]", words: Words, toolbar: Callable[[], str]
) -> PromptSession[str]:
    """The input line. Enter sends; Alt-Enter, Ctrl-J and an open triple quote make a new line.

    Without a `history` file, the history ends with the process.
    """
    return PromptSession(
        message=">>> ",
        multiline=True,
        prompt_continuation="... ",
        history=_history(history) if history else InMemoryHistory(),
        completer=_CommandCompleter(commands, words),
        complete_while_typing=True,
        key_bindings=_keys(),
        bottom_toolbar=toolbar,
        tempfile_suffix=".md",
    )


def unwrapped(text: str) -> str:
    """The text between the triple quotes of a block; any other text as it is."""
    stripped = text.strip()
    if stripped.startswith(QUOTES):
        return stripped.removeprefix(QUOTES).removesuffix(QUOTES).strip("\n")
    return text


def block_is_open(text: str) -> bool:
    """Whether `text` begins a block of triple quotes and does not end it."""
    stripped = text.strip()
    return stripped.startswith(QUOTES) and (len(stripped) < 2 * len(QUOTES) or not stripped.endswith(QUOTES))


def _history(path: Path) -> History:
    """Kept in a file that only its owner reads; in memory where no file can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.chmod(0o600)
        with path.open("ab"):
            return _LossyHistory(str(path))
    except OSError:
        return InMemoryHistory()


class _LossyHistory(FileHistory):
    """A history that goes on when its file cannot be written any more, on a full disk for one."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)


def _keys() -> KeyBindings:
    keys = KeyBindings()
    in_prompt = has_focus(DEFAULT_BUFFER)  # and not in the search of Ctrl-R, where Enter takes what was found

    @keys.add("enter", filter=in_prompt)
    def send(event: KeyPressEvent) -> None:
        if block_is_open(event.current_buffer.text):
            event.current_buffer.insert_text("\n")
        else:
            event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=in_prompt)
    @keys.add("c-j", filter=in_prompt)
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-x", "c-e", filter=in_prompt)
    def edit(event: KeyPressEvent) -> None:
        event.current_buffer.open_in_editor()  # prompt-toolkit's own key would send the text unseen

    return keys


class _CommandCompleter(Completer):
    """Completes slash commands at the start of the input, and the word after one."""

    def __init__(self, commands: "Mapping[str, Command]", words: Words) -> None:
        self._commands = commands
        self._words = words

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Nothing: the words come from the sessions file, which is asked asynchronously."""
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Commands, or a command's words, that begin with what was typed."""
        name, blank, typed = document.text_before_cursor.partition(" ")
        if not name.startswith("/") or "\n" in document.text_before_cursor:
            return
        if blank:
            for word in await self._words(name[1:].lower()):
                if word.startswith(typed):
                    yield Completion(word, start_position=-len(typed))
            return
        for command in self._commands.values():
            if command.name.startswith(name[1:].lower()):
                yield Completion("/" + command.name, start_position=-len(name), display_meta=command.help)
