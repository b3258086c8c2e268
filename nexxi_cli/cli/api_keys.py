"""`nexxi keys`: the keys of the API, made, listed, ended and replaced."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.confirm import confirm
from nexxi_cli.cli.options import HELP_OPTIONS, DebugFlag, JsonFlag, YesFlag, flag
from nexxi_cli.cli.running import with_app
from nexxi_cli.core.access import SCOPES, Scope
from nexxi_cli.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexxi_cli.core.access import ApiKey
    from nexxi_cli.service.key_manager import NewKey

app = typer.Typer(context_settings=HELP_OPTIONS, no_args_is_help=True, help="Make, list and end keys of the API.")

MAX_PER_MINUTE = 10**12

KeyArgument = Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="All live keys of this name, or one id.")]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", metavar="TIME", help="90d, 12h, 4w: how long the key is valid.")
]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, dots, dashes and underscores.")],
    *,
    expires: ExpiresOption = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=MAX_PER_MINUTE, help="Instead of the setting's.")
    ] = None,
    tokens_per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=MAX_PER_MINUTE, help="Instead of the setting's.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="chat (by default), metrics, or admin for everything; may be given several times.",
            autocompletion=lambda: list(SCOPES),
        ),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(metavar="OWNER", help="Whose sessions it sees: its own or, with `local`, the command line's."),
    ] = None,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Make a key and print it, this once.

    Whoever changes or loses NEXXI_KEY_SECRET, or the file key-secret in its place, makes all keys invalid.
    """
    lifetime, scopes = _span("--expires", expires), _scopes(scope or ["chat"])
    made = with_app(
        lambda nexxi: nexxi.key_manager().create(
            name,
            owner=owner,
            scopes=scopes,
            lifetime=lifetime,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
    )
    _print_new(made, as_json=as_json)


@app.command("list")
def list_keys(
    *,
    every: Annotated[bool, flag("--all", "-a", help="Those that were revoked or have expired, too.")] = False,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """List the keys, the oldest first."""
    from nexxi_cli.cli.documents import key_document, to_json

    now = datetime.now(UTC)
    keys = [key for key in with_app(lambda nexxi: nexxi.key_manager().all()) if every or key.is_live(now)]
    if as_json:
        typer.echo(to_json([key_document(key, now) for key in keys]))
    elif keys:
        _print_table(keys, now)
    else:
        typer.echo("no keys: nexxi keys create NAME makes one", err=True)


@app.command("revoke")
def revoke(key: KeyArgument, *, yes: YesFlag = False, debug: DebugFlag = False) -> None:
    """End a key; running servers refuse it within 5 seconds."""
    found = with_app(lambda nexxi: nexxi.key_manager().live(key))
    confirm(f"Revoke {_labels(found)} for good?", yes=yes)
    revoked = with_app(lambda nexxi: nexxi.key_manager().revoke(key))
    typer.echo(f"revoked {_labels(revoked)}", err=True)


@app.command("rotate")
def rotate(
    key: KeyArgument,
    *,
    overlap: Annotated[
        str | None, typer.Option("--overlap", metavar="TIME", help="1h, 2d: how long the old one is valid yet.")
    ] = None,
    expires: ExpiresOption = None,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Replace a key by one with a new secret, and print that, this once.

    Name, owner, scopes and limits stay, and so does the lifetime, counted from now, unless --expires gives another.
    """
    lifetime, kept = _span("--expires", expires), _span("--overlap", overlap) or timedelta(0)
    made = with_app(lambda nexxi: nexxi.key_manager().rotate(key, overlap=kept, lifetime=lifetime))
    _print_new(made, as_json=as_json)
    if not as_json:
        typer.echo(f"the old one {f'ends in {overlap} at the latest' if kept else 'has ended'}", err=True)


def _span(option: str, text: str | None) -> timedelta | None:
    from nexxi_cli.cli.ages import span

    return None if text is None else span(option, text)


def _scopes(names: list[str]) -> frozenset[Scope]:
    for name in names:
        if name not in SCOPES:
            raise UsageError(f"--scope {name}: there are {', '.join(SCOPES)}")
    return frozenset(scope for scope in SCOPES if scope in names)


def _labels(keys: "Sequence[ApiKey]") -> str:
    return ", ".join(f"{key.name} ({key.key_id})" for key in keys)


def _print_new(made: "NewKey", *, as_json: bool) -> None:
    from nexxi_cli.cli.documents import key_document, to_json

    if as_json:
        typer.echo(to_json({"key": made.text, **key_document(made.key, made.key.created_at)}))
        return
    typer.echo(made.text)
    typer.echo(f"keep the key {_labels([made.key])} well: it is not shown again", err=True)


def _print_table(keys: "Sequence[ApiKey]", now: datetime) -> None:
    from nexxi_cli.cli.tables import print_table

    rows = [
        (
            key.key_id,
            key.name,
            " ".join(sorted(key.scopes)),
            key.requests_per_minute or "default",
            key.tokens_per_minute or "default",
            f"{key.created_at:%Y-%m-%d}",
            f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "never",
            key.state(now),
            key.owner,
        )
        for key in keys
    ]
    headings = ("ID", "NAME", "SCOPES", "REQUESTS/MIN", "TOKENS/MIN", "CREATED", "EXPIRES", "STATE", "OWNER")
    print_table(headings, rows, right={"REQUESTS/MIN", "TOKENS/MIN"}, shrinking={"OWNER", "NAME"})
