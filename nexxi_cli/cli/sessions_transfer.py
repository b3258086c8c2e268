"""`nexxi sessions export|import`: sessions from and for other programs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nexxi_cli.cli.options import DebugFlag
from nexxi_cli.cli.running import with_app
from nexxi_cli.cli.sessions import app
from nexxi_cli.core.errors import NexxiError, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexxi_cli.core.types import Session
    from nexxi_cli.service.transfer import Transcript
    from nexxi_cli.wiring import App

_STDIN = Path("-")


@app.command("export")
def export(
    sessions: Annotated[list[str], typer.Argument(metavar="SESSION...", help="Names, ids or beginnings of ids.")],
    *,
    form: Annotated[
        Literal["md", "json", "jsonl"],
        typer.Option("--format", "-F", help="Markdown, a JSON document, or a line of OpenAI messages."),
    ] = "md",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file; default: standard output.")
    ] = None,
    debug: DebugFlag = False,
) -> None:
    """Write sessions for people or for other programs."""
    from nexxi_cli.cli.startup import LOCAL_OWNER
    from nexxi_cli.service.transfer import write_session

    async def find(nexxi: "App") -> "list[Session]":
        return [await nexxi.conversations.find(LOCAL_OWNER, session) for session in sessions]

    if form == "json" and len(sessions) > 1:
        raise UsageError("one JSON document holds one session: use --format jsonl for several")
    text = "\n".join(write_session(found, form).rstrip("\n") for found in with_app(find)) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise NexxiError(f"{output} cannot be written: {error.strerror}; nothing was overwritten") from error


@app.command("import")
def import_sessions(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files; - is standard input.")],
    *,
    debug: DebugFlag = False,
) -> None:
    """Read conversations: what `export` writes, OpenAI messages, `llm logs --json`, ShareGPT. Prints the new ids.

    Personal data in them is replaced as in a chat.
    """
    from nexxi_cli.service.transfer import read_transcripts

    transcripts: list[Transcript] = []
    for file in files:
        try:
            transcripts += read_transcripts(_read(file))
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from error
    for session_id in with_app(lambda nexxi: _add_all(nexxi, transcripts)):
        typer.echo(session_id)


async def _add_all(nexxi: "App", transcripts: "Sequence[Transcript]") -> list[str]:
    from asyncio import to_thread
    from datetime import UTC, datetime
    from uuid import uuid4

    from nexxi_cli.cli.startup import LOCAL_OWNER
    from nexxi_cli.core.types import Message, Session, SessionInfo

    safety = nexxi.safety_filter()
    await safety.ready()
    added = []
    for transcript in transcripts:
        created_at = transcript.created_at or datetime.now(UTC)
        info = SessionInfo(uuid4(), LOCAL_OWNER, created_at, created_at, title=transcript.title, model=transcript.model)
        messages = [
            Message(message.role, (await to_thread(safety.check_or_raise, message.content)).text, message.finish)
            for message in transcript.messages
        ]
        added.append(str((await nexxi.conversations.add(Session(info, tuple(messages)))).session_id))
    return added


def _read(file: Path) -> str:
    try:
        return sys.stdin.buffer.read().decode() if file == _STDIN else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8: byte 0x{error.object[error.start]:02x} at offset {error.start}") from error
