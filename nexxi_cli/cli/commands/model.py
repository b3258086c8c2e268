"""/model, /set, /system."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.commands import command
from nexxi_cli.cli.render import note, without_controls
from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl

SAMPLING = ("temperature", "top_p", "max_tokens", "seed")
DEFAULT = "default"


async def _model_names(repl: "Repl") -> Sequence[str]:
    import asyncio

    from nexxi_cli.core.errors import NexxiError
    from nexxi_cli.wiring import model_library, models_of_servers

    if repl.settings.model_server:
        found = (await models_of_servers(repl.settings)).values()
        return sorted({name for models in found if not isinstance(models, NexxiError) for name in models})
    models = await asyncio.to_thread(model_library(repl.app.paths, repl.app.progress).list)
    return [model.name for model in models]


async def _set_words(repl: "Repl") -> Sequence[str]:
    return SAMPLING


@command("model", usage="[NAME]", help="show the model, or answer with another one", words=_model_names)
async def model(repl: "Repl", arguments: str) -> None:
    """The session goes on with the other model."""
    if arguments:
        await repl.use_model(arguments)
    info = await repl.backend.info()
    note(f"{info.name}, context of {info.context_length:,} tokens")


@command("set", usage="[KEY VALUE]", help=f"show or change {', '.join(SAMPLING)}", words=_set_words)
async def set_option(repl: "Repl", arguments: str) -> None:
    """Holds until the REPL ends; the value `default` is that of a new Nexxi."""
    if not arguments:
        for name in SAMPLING:
            typer.echo(f"  {name} = {_shown(repl.settings, name)}")
        return
    key, value = (*arguments.replace("=", " ").split(maxsplit=1), "", "")[:2]
    if key not in SAMPLING:
        raise UsageError(f"/set knows {', '.join(SAMPLING)}, not {key!r}")
    if not value:
        raise UsageError(f"/set {key} needs a value, or {DEFAULT!r}")
    known = {name: getattr(repl.settings, name) for name in Settings.model_fields}
    changed = known | {key: None if value == DEFAULT else value}
    try:
        repl.settings = load_settings(changed, {}, default_config=Path("/dev/null"))
    except UsageError as error:
        raise UsageError(str(error).removeprefix("--")) from error
    note(f"{key} = {_shown(repl.settings, key)}")


@command("system", usage="[TEXT]", help="show or replace the system prompt")
async def system(repl: "Repl", arguments: str) -> None:
    """The session takes the new prompt with the next message."""
    if arguments:
        repl.system = arguments
        note("the next message takes it")
        return
    typer.echo(f"  {without_controls(repl.system or await _stored_system(repl) or 'none')}")


async def _stored_system(repl: "Repl") -> str | None:
    try:
        messages = (await repl.current_session()).messages
    except NotFound:
        default = repl.settings.system
        return default if default is not None else (await repl.backend.info()).system
    return next((message.content for message in messages if message.role == "system"), None)


def _shown(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    return "the model's own" if value is None and name != "seed" else "random" if value is None else value
