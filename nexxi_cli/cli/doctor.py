"""`nexxi doctor`: what is configured, what answers, versions, and where files lie."""

from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import DebugFlag, JsonFlag, flag
from nexxi_cli.cli.running import run_to_end
from nexxi_cli.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nexxi_cli.core.settings import Settings
    from nexxi_cli.service.diagnosis import Check
    from nexxi_cli.wiring import App

LIBRARIES = ("nexxi", "torch", "transformers", "tokenizers", "redis", "sqlalchemy", "psycopg", "typer", "httpx")


def doctor(
    *,
    migrate: Annotated[bool, flag("--migrate", help="Bring the archive's tables up to date first.")] = False,
    as_json: JsonFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Check the settings, the stores, the archive and the model; exit 6 when something needed is down."""
    from nexxi_cli.cli.startup import cli_app, read_settings

    settings = read_settings({})

    async def run() -> "list[Check]":
        async with cli_app(settings, quiet=as_json) as nexxi:
            if migrate:
                await nexxi.archive().migrate()
            return await _checks(nexxi)

    checks = run_to_end(run())
    report = {"settings": _chosen(settings), "versions": _versions(), "files": _files()}
    if as_json:
        _print_json(checks, report)
    else:
        _print_words(checks, report)
    if any(check.state == "down" for check in checks):
        raise typer.Exit(Unavailable.exit_code)


async def _checks(nexxi: "App") -> "list[Check]":
    from functools import partial

    from nexxi_cli.cli import looks
    from nexxi_cli.service.diagnosis import check

    things = {
        "sessions": looks.look_at_sessions,
        "archive": looks.look_at_archive,
        "outbox": looks.look_at_outbox,
        "spool": looks.look_at_spool,
        **({"moderation": looks.look_at_moderation} if nexxi.settings.moderation_model else {}),
    }
    checks = [await check(name, partial(look, nexxi)) for name, look in things.items()]
    if nexxi.settings.model_server:
        return checks + await looks.look_at_model_servers(nexxi)
    own = {"model": looks.look_for_model, "engine": looks.look_at_engines}
    return checks + [await check(name, partial(look, nexxi)) for name, look in own.items()]


def _chosen(settings: "Settings") -> "Mapping[str, object]":
    """The settings that are not the default; secrets are not shown."""
    return {name: value for name in settings.model_fields_set if (value := getattr(settings, name)) is not None}


def _versions() -> "Mapping[str, object]":
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, object] = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return found


def _files() -> "Mapping[str, object]":
    from nexxi_cli.cli.startup import cli_paths

    paths = cli_paths()
    return {
        "config": str(paths.config / "config.toml"),
        "data": str(paths.data),
        "cache": str(paths.cache),
        "state": str(paths.state),
    }


def _print_json(checks: "Sequence[Check]", report: "Mapping[str, Mapping[str, object]]") -> None:
    from dataclasses import asdict

    from nexxi_cli.cli.documents import to_json

    shown = {name: str(value) for name, value in report["settings"].items()}
    typer.echo(to_json({"checks": [asdict(check) for check in checks], **report, "settings": shown}))


def _print_words(checks: "Sequence[Check]", report: "Mapping[str, Mapping[str, object]]") -> None:
    from nexxi_cli.cli.looks import print_checks

    print_checks(checks)
    for heading, rows in report.items():
        typer.echo(f"\n{heading}")
        for name, value in rows.items():
            typer.echo(f"  {name:14}{'not installed' if value is None else value}")
        if not rows:
            typer.echo("  all as by default")
