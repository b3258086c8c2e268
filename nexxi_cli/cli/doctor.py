"""`nexxi doctor`: what is configured, what answers, versions, and where files lie."""

from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import DebugFlag, JsonFlag, flag
from nexxi_cli.cli.running import run_to_end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nexxi_cli.core.settings import Settings
    from nexxi_cli.service.diagnosis import Check
    from nexxi_cli.wiring import App

DOWN = 6
"""Exit code when something that is needed is down."""

LIBRARIES = ("nexxi", "torch", "transformers", "tokenizers", "redis", "sqlalchemy", "psycopg", "typer")


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
        raise typer.Exit(DOWN)


async def _checks(nexxi: "App") -> "list[Check]":
    from nexxi_cli.cli.startup import LOCAL_OWNER
    from nexxi_cli.core.settings import without_credentials
    from nexxi_cli.service.diagnosis import Check, check
    from nexxi_cli.wiring import model_library

    settings = nexxi.settings

    async def sessions() -> str:
        await nexxi.store.recent(LOCAL_OWNER, limit=1)
        if settings.redis_url is None:
            return str(nexxi.paths.data / "sessions.db")
        return f"Redis at {without_credentials(settings.redis_url.get_secret_value())}"

    async def archive() -> str:
        await nexxi.archive().check_schema()
        if settings.database_url is None:
            return str(nexxi.paths.data / "archive.db")
        return without_credentials(settings.database_url.get_secret_value())

    async def outbox() -> str | Check:
        count = await nexxi.outbox.count()
        detail = f"{count.waiting} entries wait for the archive"
        if count.set_aside:
            return Check("outbox", "warning", f"{detail}, {count.set_aside} cannot be read and were set aside")
        return detail

    async def model() -> str | Check:
        for listed in model_library(nexxi.paths, nexxi.progress).list():
            if listed.name == settings.model:
                missing = Check("model", "warning", f"{listed.name} is not pulled yet")
                return str(listed.path) if listed.path else missing
        return f"{settings.model}, looked up when it is used"

    looks = {"sessions": sessions, "archive": archive, "outbox": outbox, "spool": lambda: _spool(nexxi), "model": model}
    return [await check(name, look) for name, look in looks.items()]


async def _spool(nexxi: "App") -> "str | Check":
    """After the sessions were looked at: a Redis that answers has got by then what waited for it."""
    from nexxi_cli.service.diagnosis import Check
    from nexxi_cli.wiring import waiting_turns

    counts = await waiting_turns(nexxi.paths)
    told = [f"{turns} turn{'' if turns == 1 else 's'} for {place}" for place, turns in counts.items()]
    return Check("spool", "warning", f"waiting: {', '.join(told)}") if told else "0 turns wait for Redis"


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
    colours = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "down": typer.colors.RED}
    for check in checks:
        typer.echo(f"{typer.style(f'{check.state:8}', fg=colours[check.state])}{check.name:10}{check.detail}")
    for heading, rows in report.items():
        typer.echo(f"\n{heading}")
        for name, value in rows.items():
            typer.echo(f"  {name:14}{'not installed' if value is None else value}")
        if not rows:
            typer.echo("  all as by default")
