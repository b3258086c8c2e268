"""/edit, /copy, /tokens, /redact: things done to text."""

import asyncio
import base64
import sys
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.commands import command
from nexxi_cli.cli.render import note, redacted_note
from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.types import Message

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl


@command("edit", usage="[TEXT]", help="write the next message in $EDITOR")
async def edit(repl: "Repl", arguments: str) -> None:
    """The text comes back to the input line, where Enter sends it."""
    import subprocess

    try:
        text = await asyncio.to_thread(write_in_editor, arguments)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"the editor failed: {error}; set EDITOR") from error
    repl.draft = text.rstrip("\n")


@command("copy", help="copy the last reply to the clipboard")
async def copy(repl: "Repl", arguments: str) -> None:
    """Through the terminal (OSC 52, xterm control sequences), so that it works over SSH too."""
    if repl.last is None:
        raise NotFound("there is no reply yet")
    encoded = base64.b64encode(repl.last.text.encode()).decode("ascii")
    sys.stdout.write(f"\x1b]52;c;{encoded}\a")
    sys.stdout.flush()
    note(f"{len(repl.last.text)} characters copied, if the terminal allows it")


@command("tokens", usage="[TEXT]", help="count the tokens of a text, or of the session")
async def tokens(repl: "Repl", arguments: str) -> None:
    """Counted as a prompt of the model, with its template."""
    info = await repl.backend.info()
    found = await repl.current_session()
    messages = [Message("user", arguments)] if arguments else list(found.messages) if found else []
    count = await repl.backend.count_tokens(messages) if messages else 0
    typer.echo(f"  {count} of {info.context_length} tokens")


@command("redact", usage="TEXT", help="show what the safety filter makes of a text")
async def redact(repl: "Repl", arguments: str) -> None:
    """Nothing is sent or stored."""
    from nexxi_cli.wiring import safety_filter

    verdict = safety_filter().check(arguments)
    typer.echo(verdict.text)
    if verdict.findings:
        note(redacted_note(verdict.findings, where="the text"))


def write_in_editor(text: str) -> str:
    """What the user wrote in $VISUAL or $EDITOR. Raises OSError and CalledProcessError."""
    import os
    import shlex
    import subprocess
    import tempfile
    from pathlib import Path

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.md"
        path.write_text(text, encoding="utf-8")
        subprocess.run([*shlex.split(editor), str(path)], check=True)  # noqa: S603 - the user's own editor
        return path.read_text(encoding="utf-8")
