"""/new, /sessions, /load, /save, /undo, /regenerate, /export, /stats."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.ages import age
from nexxi_cli.cli.commands import command
from nexxi_cli.cli.render import note, without_controls
from nexxi_cli.cli.startup import LOCAL_OWNER
from nexxi_cli.core.errors import NexxiError, NotFound, UsageError
from nexxi_cli.core.types import Session, SessionChoice, SessionInfo

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl

LISTED = 20


async def _session_names(repl: "Repl") -> Sequence[str]:
    infos = await repl.app.conversations.recent(LOCAL_OWNER, limit=LISTED)
    return [info.name or str(info.session_id)[:8] for info in infos]


@command("new", usage="[NAME]", help="begin a new session")
async def new(repl: "Repl", arguments: str) -> None:
    """The old session stays stored."""
    if arguments and await repl.app.conversations.resume(LOCAL_OWNER, SessionChoice(reference=arguments)):
        raise UsageError(f"there is a session {arguments!r} already: /load {arguments} continues it")
    await repl.begin_session(arguments or None)
    note(f"new session{' ' + arguments if arguments else ''}")


@command("sessions", help=f"the last {LISTED} sessions")
async def sessions(repl: "Repl", arguments: str) -> None:
    """List them, the one that changed last first."""
    infos = await repl.app.conversations.recent(LOCAL_OWNER, limit=LISTED)
    for info in infos:
        title = without_controls(info.name or info.title or "")
        typer.echo(f"  {str(info.session_id)[:8]}  {age(info):>4}  {_turns(info):>9}  {title}")
    if not infos:
        note("no sessions yet")


@command("load", usage="SESSION", help="continue another session, by name or by id", words=_session_names)
async def load(repl: "Repl", arguments: str) -> None:
    """Raises NotFound for a session that does not exist."""
    if not arguments:
        raise UsageError("/load needs a session: /sessions lists them")
    found = await repl.app.conversations.find(LOCAL_OWNER, arguments)
    await repl.continue_session(found)
    note(f"{found.info.name or found.info.title}, {_turns(found.info)}")


@command("save", usage="NAME", help="give the session a name")
async def save(repl: "Repl", arguments: str) -> None:
    """Turns are kept anyway; a name makes the session easy to find."""
    if not arguments:
        raise UsageError("/save needs a name")
    if not repl.options.save:
        raise UsageError("nothing of this chat is kept: it was begun with --no-save")
    found = await repl.current_session()
    await repl.conversations.rename(LOCAL_OWNER, str(found.session_id), arguments)
    repl.session, repl.label = SessionChoice(reference=str(found.session_id)), arguments
    note(f"saved as {arguments}")


@command("undo", help="take the last turn back")
async def undo(repl: "Repl", arguments: str) -> None:
    """Remove the last question and its reply from the session."""
    found = await repl.current_session()
    asked = _last_question(found)
    await repl.conversations.undo(LOCAL_OWNER, str(found.session_id))
    repl.last = None
    await repl.measure()
    note(f"taken back: {' '.join(asked.split())[:60]}")


@command("regenerate", help="answer the last question again")
async def regenerate(repl: "Repl", arguments: str) -> None:
    """The old reply stays until a new one has come."""
    await repl.answer(_last_question(await repl.current_session()), replaces_last=True)


@command("export", usage="FILE", help="write the session as Markdown, or JSON by the suffix .json")
async def export(repl: "Repl", arguments: str) -> None:
    """An existing file is not overwritten."""
    from nexxi_cli.service.transfer import write_session

    if not arguments:
        raise UsageError("/export needs a file")
    found = await repl.current_session()
    text = write_session(found, "json" if arguments.endswith(".json") else "md")
    note(f"written to {_write_new(arguments, text)}")


@command("stats", help="turns and tokens of this session")
async def stats(repl: "Repl", arguments: str) -> None:
    """What the last reply cost, and how long the session is."""
    from nexxi_cli.cli.render import usage_line

    try:
        turns = _turns((await repl.current_session()).info)
    except NotFound:
        turns = "0 turns"
    used, length = repl.context_tokens
    typer.echo(f"  {turns}, {used:,} of {length:,} tokens of context")
    if repl.last is not None:
        typer.echo(f"  last reply: {usage_line(repl.last)}")


def _turns(info: SessionInfo) -> str:
    return f"{info.turn_count} turn{'' if info.turn_count == 1 else 's'}"


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
    except FileExistsError as error:
        raise UsageError(f"{path} exists already: choose another name") from error
    except OSError as error:
        raise NexxiError(f"{path} cannot be written: {error.strerror}") from error
    return path
