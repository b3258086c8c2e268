"""`nexxi sessions search|stats`: what the archive of all turns tells."""

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import DebugFlag, JsonFlag
from nexxi_cli.cli.running import with_app
from nexxi_cli.cli.sessions import app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexxi_cli.core.archived import DayStats, SearchHit
    from nexxi_cli.wiring import App

BAR_CHARS = 24


@app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="A turn has to have all of them.")],
    *,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, help="How many at most.")] = 20,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Search everything that was said, the best turn first."""
    from nexxi_cli.cli.documents import hit_document, to_json
    from nexxi_cli.cli.startup import LOCAL_OWNER

    async def ask(nexxi: "App") -> "Sequence[SearchHit]":
        return await (await nexxi.up_to_date_archive()).search(LOCAL_OWNER, " ".join(words), limit=limit)

    hits = with_app(ask)
    if as_json:
        typer.echo(to_json([hit_document(hit) for hit in hits]))
    elif hits:
        for hit in hits:
            _print_hit(hit)
    else:
        typer.echo("nothing was found", err=True)


@app.command("stats")
def stats(
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How many days back.")] = 30,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Turns, tokens and speed by day and model."""
    from nexxi_cli.cli.documents import to_json
    from nexxi_cli.cli.startup import LOCAL_OWNER

    since = datetime.now(UTC) - timedelta(days=days)

    async def ask(nexxi: "App") -> "Sequence[DayStats]":
        return await (await nexxi.up_to_date_archive()).stats(LOCAL_OWNER, since=since)

    found = with_app(ask)
    if as_json:
        from dataclasses import asdict

        typer.echo(to_json([asdict(row) | {"day": row.day.isoformat()} for row in found]))
    elif found:
        _print_stats(found)
    else:
        typer.echo(f"no turns in the last {days} days", err=True)


def _print_hit(hit: "SearchHit") -> None:
    from nexxi_cli.cli.ages import age
    from nexxi_cli.cli.render import without_controls
    from nexxi_cli.core.archived import MATCH_END, MATCH_START

    on_terminal = sys.stdout.isatty()
    start, end = ("\x1b[1m", "\x1b[0m") if on_terminal and not os.environ.get("NO_COLOR") else ("", "")
    parts = hit.snippet.replace(MATCH_END, MATCH_START).split(MATCH_START)
    snippet = "".join(
        f"{start}{without_controls(part)}{end}" if number % 2 else without_controls(part)
        for number, part in enumerate(parts)
    )
    label = hit.session.name or hit.session.title or ""
    head = (str(hit.session.session_id)[:8], f"turn {hit.number}", age(hit.session), without_controls(label))
    typer.echo(
        "\t".join((*head, " ".join(snippet.split()))) if not on_terminal else f"{'  '.join(head)}\n    {snippet}"
    )


def _print_stats(rows: "Sequence[DayStats]") -> None:
    from nexxi_cli.cli.tables import print_table

    most = max(row.prompt_tokens + row.completion_tokens for row in rows) or 1
    cells = [
        (
            row.day.isoformat(),
            row.model,
            row.turns,
            row.prompt_tokens,
            row.completion_tokens,
            "" if row.first_token_s is None else f"{row.first_token_s:.2f} s",
            "" if row.tokens_per_s is None else f"{row.tokens_per_s:.1f}",
            "█" * max(1, round(BAR_CHARS * (row.prompt_tokens + row.completion_tokens) / most)),
        )
        for row in rows
    ]
    headings = ("DAY", "MODEL", "TURNS", "PROMPT", "REPLY", "FIRST TOKEN", "TOKENS/S", "TOKENS")
    print_table(headings, cells, right=set(headings[2:7]))
