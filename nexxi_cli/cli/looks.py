"""What `nexxi doctor` and `nexxi serve --check` look at, and how they print what they found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from nexxi_cli import __version__
from nexxi_cli.service.diagnosis import Check

if TYPE_CHECKING:
    from nexxi_cli.wiring import App


async def look_at_sessions(nexxi: "App") -> str:
    """Whether the session store answers, and where it is."""
    from nexxi_cli.cli.startup import LOCAL_OWNER
    from nexxi_cli.core.urls import without_credentials

    await nexxi.store.recent(LOCAL_OWNER, limit=1)
    if nexxi.settings.redis_url is None:
        return str(nexxi.paths.data / "sessions.db")
    return f"Redis at {without_credentials(nexxi.settings.redis_url.get_secret_value())}"


async def look_at_archive(nexxi: "App") -> str:
    """Whether the archive has the tables of this program, and where it is."""
    from nexxi_cli.core.urls import without_credentials

    await nexxi.archive().check_schema()
    if nexxi.settings.database_url is None:
        return str(nexxi.paths.data / "archive.db")
    return without_credentials(nexxi.settings.database_url.get_secret_value())


async def look_at_outbox(nexxi: "App") -> str | Check:
    """How much waits for the archive."""
    count = await nexxi.outbox.count()
    detail = f"{count.waiting} entries wait for the archive"
    if count.set_aside:
        return Check("outbox", "warning", f"{detail}, {count.set_aside} cannot be read and were set aside")
    return detail


async def look_at_spool(nexxi: "App") -> str | Check:
    """After the sessions were looked at: a Redis that answers has got by then what waited for it."""
    from nexxi_cli.wiring import waiting_turns

    counts = await waiting_turns(nexxi.paths)
    told = [f"{turns} turn{'' if turns == 1 else 's'} for {place}" for place, turns in counts.items()]
    return Check("spool", "warning", f"waiting: {', '.join(told)}") if told else "0 turns wait for Redis"


async def look_at_model_servers(nexxi: "App") -> list[Check]:
    """Whether each model server answers, and its models; one that lacks the model of the settings is of no use."""
    from nexxi_cli.core.errors import NexxiError
    from nexxi_cli.wiring import models_of_servers

    wanted = nexxi.settings.named_model
    checks = []
    for url, models in (await models_of_servers(nexxi.settings)).items():
        if isinstance(models, NexxiError):
            checks.append(Check("model", "down", str(models)))
            continue
        told = ", ".join(f"{name} ({size:,} tokens)" if size else name for name, size in models.items()) or "no model"
        detail = f"{url} has {told}"
        if wanted is not None and wanted not in models:
            checks.append(Check("model", "down", f"{detail}, but not {wanted}"))
        elif wanted is None and len(models) != 1:
            checks.append(Check("model", "warning", f"{detail}: one has to be chosen with -m"))
        else:
            checks.append(Check("model", "ok", detail))
    return checks


async def look_for_model(nexxi: "App") -> str | Check:
    """Whether the model lies here, and what runs it."""
    from nexxi_cli.wiring import model_library, runs_by

    for listed in model_library(nexxi.paths, nexxi.progress).list():
        if listed.name == nexxi.settings.model:
            missing = Check("model", "warning", f"{listed.name} is not pulled yet")
            if listed.path is None:
                return missing
            return f"{listed.path}, run by {runs_by(listed.path, nexxi.settings, nexxi.paths)}"
    return f"{nexxi.settings.model}, looked up when it is used"


async def look_at_engines(nexxi: "App") -> str:
    """Which models are loaded in processes that answer this user's chats, and how long they stay."""
    from nexxi_cli.cli.ages import seconds_as_age
    from nexxi_cli.wiring import running_engines

    told = []
    for engine in await running_engines(nexxi.paths):
        stays = "of `nexxi serve`"
        if engine.ends_in_s is not None:
            stays = f"ends in {seconds_as_age(int(engine.ends_in_s))} unless it is asked"
        version = "" if engine.version == __version__ else f" of nexxi {engine.version}, which this one does not use"
        told.append(f"{engine.model} (quantize: {engine.quantise}), pid {engine.pid}, {stays}{version}")
    return "; ".join(told) or "none is warm: each chat loads its model"


async def look_at_moderation(nexxi: "App") -> str | Check:
    """Whether the moderation model lies here and has the labels that the settings name, and what these mean."""
    from nexxi_cli.wiring import moderation_plan

    found = moderation_plan(nexxi.settings, nexxi.paths)
    if found is None:
        return Check("moderation", "warning", f"{nexxi.settings.moderation_model} is not fetched yet")
    path, rules = found
    common = nexxi.settings.moderation_threshold
    told = [f"{rule.label} {rule.action}s from {rule.threshold or common:g}" for rule in rules]
    return f"{path}: {', '.join(told)}"


def print_checks(checks: Sequence[Check]) -> None:
    """A line each, in the colour of its state."""
    colours = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "down": typer.colors.RED}
    for check in checks:
        typer.echo(f"{typer.style(f'{check.state:8}', fg=colours[check.state])}{check.name:9} {check.detail}")
