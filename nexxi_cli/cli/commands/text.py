"""/edit, /copy, /tokens, /redact: things done to text."""

import asyncio
import base64
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.commands import command
from nexxi_cli.cli.keys import usual_keys
from nexxi_cli.cli.render import note, redacted_note, without_controls
from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.types import Message

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl


@command("edit", usage="[TEXT]", help="write the next message in $EDITOR")
async def edit(repl: "Repl", arguments: str) -> None:
    """The text comes back to the input line, where Enter sends it."""
    repl.draft = (await write_in_editor(arguments)).rstrip("\n")


@command("copy", help="copy the last reply to the clipboard")
async def copy(repl: "Repl", arguments: str) -> None:
    """Through the terminal (OSC 52, xterm control sequences), so that it works over SSH too."""
    replies = [message.content for message in (await repl.current_session()).messages if message.role == "assistant"]
    if not replies:
        raise NotFound("the session has no turn")
    reply = repl.shown(replies[-1])
    encoded = base64.b64encode(reply.encode()).decode("ascii")
    sys.stdout.write(f"\x1b]52;c;{encoded}\a")
    sys.stdout.flush()
    note(f"{len(reply)} characters copied, if the terminal allows it")


@command("tokens", usage="[TEXT]", help="count the tokens of a text, or of the session")
async def tokens(repl: "Repl", arguments: str) -> None:
    """Counted as a prompt of the model, with its template."""
    info = await repl.backend.info()
    if arguments:
        used = await repl.backend.count_tokens([Message("user", arguments)])
    else:
        await repl.measure()
        used, _ = repl.context_tokens
    typer.echo(f"  {used:,} of {info.context_length:,} tokens")


@command("redact", usage="TEXT", help="show what the safety filter makes of a text")
async def redact(repl: "Repl", arguments: str) -> None:
    """Nothing is sent or stored."""
    from nexxi_cli.wiring import safety_filter

    if not arguments:
        raise UsageError("/redact needs a text")
    settings = repl.settings
    safety = safety_filter(
        html=settings.safety_html,
        pii=settings.safety_pii,
        names=settings.safety_names,
        injection=settings.safety_injection,
        allow=settings.safety_allow,
        moderation=repl.app.moderation(),
    )
    await safety.ready()
    verdict = await asyncio.to_thread(safety.check, arguments)
    typer.echo(without_controls(verdict.text))
    if verdict.findings:
        note(redacted_note(verdict.findings, where="the text"))
    for remark in (*verdict.reasons, *verdict.notes):
        note(remark)


async def write_in_editor(text: str) -> str:
    """What the user makes of `text` in $VISUAL or $EDITOR. Raises UsageError when the editor fails.

    Ctrl-C in the editor is the editor's alone, as in a shell.
    """
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.md"
        path.write_text(text, encoding="utf-8")
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
        try:
            with usual_keys():
                code = await (await asyncio.create_subprocess_exec(*editor, str(path))).wait()
            written = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "what it wrote is not UTF-8"
            raise UsageError(f"the editor {editor[0]} failed: {reason}; EDITOR chooses another one") from error
    if code:
        raise UsageError(f"the editor {editor[0]} ended with {code}; EDITOR chooses another one")
    return written
