"""`nexxi sessions list|show`: what was said.

The other subcommands: sessions_edit, sessions_transfer, sessions_archive.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import HELP_OPTIONS, DebugFlag, JsonFlag, flag
from nexxi_cli.cli.running import with_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexxi_cli.core.types import Session, SessionInfo

app = typer.Typer(
    context_settings=HELP_OPTIONS, no_args_is_help=True, help="List, show, search, copy and delete sessions."
)

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="A name, an id or the beginning of one.")]


@app.command("list")
def list_sessions(
    *,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, help="How many at most.")] = 50,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """List sessions, the one that changed last first."""
    from nexxi_cli.cli.documents import to_json
    from nexxi_cli.cli.startup import LOCAL_OWNER
    from nexxi_cli.service.transfer import info_document

    infos = with_app(lambda nexxi: nexxi.conversations.recent(LOCAL_OWNER, limit=limit))
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
    raw: Annotated[bool, flag("--raw", help="The plain text, not rendered.")] = False,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Print one session."""
    from nexxi_cli.cli.documents import to_json
    from nexxi_cli.cli.startup import LOCAL_OWNER
    from nexxi_cli.service.transfer import session_document

    found = with_app(lambda nexxi: nexxi.conversations.find(LOCAL_OWNER, session))
    if as_json:
        typer.echo(to_json(session_document(found)))
    else:
        _print_session(found, raw=raw)


def _print_table(infos: "Sequence[SessionInfo]") -> None:
    from nexxi_cli.cli.ages import age
    from nexxi_cli.cli.tables import print_table

    rows = [(str(info.session_id)[:8], info.name, info.title, info.turn_count, info.model, age(info)) for info in infos]
    print_table(
        ("ID", "NAME", "TITLE", "TURNS", "MODEL", "CHANGED"), rows, right={"TURNS", "CHANGED"}, shrinking={"TITLE"}
    )


def _print_session(session: "Session", *, raw: bool) -> None:
    from nexxi_cli.cli.render import answer_printer

    for message in session.messages:
        mark = f" ({message.finish})" if message.finish else ""
        typer.secho(f"{message.role}{mark}:", bold=True)
        printer = answer_printer(plain=raw)
        printer.write(message.content)
        printer.end()
        typer.echo()
