"""/new, /sessions, /load, /save, /undo, /regenerate, /export, /stats."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.ages import age
from nexxi_cli.cli.commands import command
from nexxi_cli.cli.render import note
from nexxi_cli.cli.startup import LOCAL_OWNER
from nexxi_cli.core.errors import NexxiError, NotFound, UsageError
from nexxi_cli.core.types import Session, SessionChoice

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl


@command("new", usage="[NAME]", help="begin a new session")
async def new(repl: "Repl", arguments: str) -> None:
    """The old session stays stored."""
    repl.begin_session(SessionChoice(reference=arguments or None))
    note(f"new session{' ' + arguments if arguments else ''}")


@command("sessions", help="the last 20 sessions")
async def sessions(repl: "Repl", arguments: str) -> None:
    """List them, the one that changed last first."""
    for info in await repl.app.conversations.recent(LOCAL_OWNER, limit=20):
        typer.echo(
            f"  {str(info.session_id)[:8]}  {age(info):>4}  {info.turn_count:>3}  {info.name or info.title or ''}"
        )


@command("load", usage="SESSION", help="continue another session (a name or the beginning of an id)")
async def load(repl: "Repl", arguments: str) -> None:
    """Raises NotFound for a session that does not exist."""
    if not arguments:
        raise UsageError("/load needs a session: /sessions lists them")
    found = await repl.app.conversations.find(LOCAL_OWNER, arguments)
    repl.begin_session(SessionChoice(reference=str(found.session_id)))
    note(f"{found.info.name or found.info.title}, {found.info.turn_count} turns")


@command("save", usage="NAME", help="give the session a name")
async def save(repl: "Repl", arguments: str) -> None:
    """Turns are kept anyway; a name makes the session easy to find."""
    if not arguments:
        raise UsageError("/save needs a name")
    found = await _current(repl)
    await repl.app.conversations.rename(LOCAL_OWNER, str(found.session_id), arguments)
    note(f"saved as {arguments}")


@command("undo", help="take the last turn back")
async def undo(repl: "Repl", arguments: str) -> None:
    """Remove the last question and its reply from the session."""
    found = await _current(repl)
    asked = _last_question(found)
    await repl.app.conversations.undo(LOCAL_OWNER, str(found.session_id))
    note(f"taken back: {asked.splitlines()[0][:60]}")


@command("regenerate", help="answer the last question again")
async def regenerate(repl: "Repl", arguments: str) -> None:
    """The old reply is replaced."""
    found = await _current(repl)
    asked = _last_question(found)
    await repl.app.conversations.undo(LOCAL_OWNER, str(found.session_id))
    await repl.answer(asked)


@command("export", usage="FILE", help="write the session as Markdown, or JSON by the suffix .json")
async def export(repl: "Repl", arguments: str) -> None:
    """An existing file is not overwritten."""
    from nexxi_cli.cli.documents import session_document, session_markdown, to_json

    if not arguments:
        raise UsageError("/export needs a file")
    found = await _current(repl)
    text = to_json(session_document(found)) if arguments.endswith(".json") else session_markdown(found)
    note(f"written to {_write_new(arguments, text)}")


@command("stats", help="turns and tokens of this session")
async def stats(repl: "Repl", arguments: str) -> None:
    """What the last reply cost, and how long the session is."""
    from nexxi_cli.cli.render import usage_line

    found = await repl.current_session()
    turns = found.info.turn_count if found else 0
    typer.echo(f"  {turns} turns" + (f"; last reply: {usage_line(repl.last)}" if repl.last else ""))


async def _current(repl: "Repl") -> Session:
    found = await repl.current_session()
    if found is None:
        raise NotFound("nothing of this session is stored yet")
    return found


def _last_question(session: Session) -> str:
    questions = [message.content for message in session.messages if message.role == "user"]
    if not questions:
        raise NotFound("the session has no turn")
    return questions[-1]


def _write_new(name: str, text: str) -> Path:
    path = Path(name).expanduser()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise NexxiError(f"{path} cannot be written: {error.strerror}") from error
    return path
