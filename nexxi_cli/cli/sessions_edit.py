"""`nexxi sessions rename|fork|delete|purge`: what changes sessions."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.confirm import confirm
from nexxi_cli.cli.options import DebugFlag, YesFlag
from nexxi_cli.cli.running import with_app
from nexxi_cli.cli.sessions import SessionArgument, app

if TYPE_CHECKING:
    from nexxi_cli.wiring import App


@app.command("rename")
def rename(
    session: SessionArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, dots, dashes and underscores.")],
    *,
    debug: DebugFlag = False,
) -> None:
    """Give a session a name."""
    from nexxi_cli.cli.startup import LOCAL_OWNER

    with_app(lambda nexxi: nexxi.conversations.rename(LOCAL_OWNER, session, name))
    typer.echo(f"{session} is now {name}", err=True)


@app.command("fork")
def fork(
    session: SessionArgument,
    *,
    turn: Annotated[int | None, typer.Option("--turn", "-t", metavar="N", help="Keep turns 1 to N, or all.")] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The name of the copy.")] = None,
    debug: DebugFlag = False,
) -> None:
    """Copy a session's first turns into a new session, and print its id."""
    from nexxi_cli.cli.startup import LOCAL_OWNER

    copy = with_app(lambda nexxi: nexxi.conversations.fork(LOCAL_OWNER, session, turn_count=turn, name=name))
    typer.echo(copy.session_id)


@app.command("delete")
def delete(session: SessionArgument, *, yes: YesFlag = False, debug: DebugFlag = False) -> None:
    """Delete a session, from the archive too."""
    from nexxi_cli.cli.startup import LOCAL_OWNER

    info = with_app(lambda nexxi: nexxi.conversations.find(LOCAL_OWNER, session)).info
    label = info.name or info.title or str(info.session_id)
    confirm(f"Delete {label!r} with {info.turn_count} turns?", yes=yes)

    async def remove(nexxi: "App") -> None:
        await nexxi.conversations.delete(LOCAL_OWNER, str(info.session_id))
        await nexxi.up_to_date_archive()

    with_app(remove)
    typer.echo(f"deleted {label}", err=True)


@app.command("purge")
def purge(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="30d, 12h, 4w: sessions without a turn for so long.")
    ],
    yes: YesFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Delete old sessions, from the archive too."""
    from nexxi_cli.cli.ages import span
    from nexxi_cli.cli.startup import LOCAL_OWNER

    before = datetime.now(UTC) - span("--older-than", older_than)
    confirm(f"Delete every session without a turn since {before:%Y-%m-%d %H:%M} UTC?", yes=yes)

    async def remove(nexxi: "App") -> int:
        await nexxi.up_to_date_archive()  # a database that is down is found out before anything is deleted
        count = await nexxi.conversations.purge(LOCAL_OWNER, before=before)
        archive = await nexxi.up_to_date_archive()
        return count + await archive.delete_before(LOCAL_OWNER, before)

    count = with_app(remove)
    typer.echo(f"deleted {count} session{'' if count == 1 else 's'}", err=True)
