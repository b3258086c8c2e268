"""`nexxi sessions`: what was said, listed, shown and deleted."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from nexxi_cli.cli.confirm import confirm
from nexxi_cli.cli.options import HELP_OPTIONS, DebugFlag, JsonFlag, YesFlag

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nexxi_cli.core.types import Session, SessionInfo
    from nexxi_cli.service.conversations import ConversationManager

T = TypeVar("T")

app = typer.Typer(context_settings=HELP_OPTIONS, no_args_is_help=True, help="List, show and delete sessions.")

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="A name, an id or the beginning of one.")]


@app.command("list")
def list_sessions(
    *,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, help="How many at most.")] = 50,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """List sessions, the one that changed last first."""
    from nexxi_cli.cli.documents import info_document, to_json
    from nexxi_cli.cli.startup import LOCAL_OWNER

    infos = _with_conversations(lambda conversations: conversations.recent(LOCAL_OWNER, limit=limit))
    if as_json:
        typer.echo(to_json([info_document(info) for info in infos]))
    elif infos:
        _print_table(infos)
    else:
        typer.echo("no sessions yet: nexxi chat begins one", err=True)


@app.command("show")
def show(
    session: SessionArgument,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="The plain text, not rendered.")] = False,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Print one session."""
    from nexxi_cli.cli.documents import session_document, to_json
    from nexxi_cli.cli.startup import LOCAL_OWNER

    found = _with_conversations(lambda conversations: conversations.find(LOCAL_OWNER, session))
    if as_json:
        typer.echo(to_json(session_document(found)))
    else:
        _print_session(found, raw=raw)


@app.command("delete")
def delete(session: SessionArgument, *, yes: YesFlag = False, debug: DebugFlag = False) -> None:
    """Delete one session."""
    from nexxi_cli.cli.startup import LOCAL_OWNER

    info = _with_conversations(lambda conversations: conversations.find(LOCAL_OWNER, session)).info
    label = info.name or info.title or str(info.session_id)
    confirm(f"Delete {label!r} with {info.turn_count} turns?", yes=yes)
    _with_conversations(lambda conversations: conversations.delete(LOCAL_OWNER, str(info.session_id)))
    typer.echo(f"deleted {label}", err=True)


def _with_conversations(call: "Callable[[ConversationManager], Awaitable[T]]") -> T:
    from nexxi_cli.cli.startup import cli_app, read_settings

    async def run() -> T:
        async with cli_app(read_settings({})) as nexxi:
            return await call(nexxi.conversations)

    return asyncio.run(run())


def _print_table(infos: "Sequence[SessionInfo]") -> None:
    from nexxi_cli.cli.ages import age

    rows = [
        (str(info.session_id)[:8], info.name or "", info.title or "", info.turn_count, info.model or "", age(info))
        for info in infos
    ]
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("ID", "NAME", "TITLE", "TURNS", "MODEL", "CHANGED"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", justify="right" if heading == "TURNS" else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(highlight=False).print(table)


def _print_session(session: "Session", *, raw: bool) -> None:
    from nexxi_cli.cli.render import answer_printer

    for message in session.messages:
        mark = f" ({message.finish})" if message.finish else ""
        typer.secho(f"{message.role}{mark}:", bold=True)
        printer = answer_printer(plain=raw)
        printer.write(message.content)
        printer.end()
        typer.echo()
