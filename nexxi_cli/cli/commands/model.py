"""/model, /set, /system."""

import os
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.commands import command
from nexxi_cli.cli.render import note
from nexxi_cli.cli.startup import parse_assignments
from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from nexxi_cli.cli.repl import Repl

SAMPLING = ("temperature", "top_p", "max_tokens", "seed")


@command("model", usage="[NAME]", help="show the model, or answer with another one")
async def model(repl: "Repl", arguments: str) -> None:
    """The session goes on with the other model."""
    if arguments:
        await repl.use_model(arguments)
    info = await repl.backend.info()
    note(f"{info.name}, context {info.context_length} tokens")


@command("set", usage="[KEY VALUE]", help="show or change temperature, top_p, max_tokens, seed")
async def set_option(repl: "Repl", arguments: str) -> None:
    """Holds until the REPL ends."""
    key, _, value = arguments.replace("=", " ").partition(" ")
    if not arguments:
        for name in SAMPLING:
            typer.echo(f"  {name} = {getattr(repl.settings, name)}")
        return
    if key not in SAMPLING:
        raise UsageError(f"/set knows {', '.join(SAMPLING)}, not {key!r}")
    current = {name: chosen for name in Settings.model_fields if (chosen := getattr(repl.settings, name)) is not None}
    changed = parse_assignments([f"{key}={value.strip()}"])
    repl.settings = load_settings(current | changed, {}, default_config=repl.app.paths.config / os.devnull)
    note(f"{key} = {getattr(repl.settings, key)}")


@command("system", usage="[TEXT]", help="show or replace the system prompt")
async def system(repl: "Repl", arguments: str) -> None:
    """The session takes the new prompt with the next message."""
    if arguments:
        repl.system = arguments
        note("the next message takes it")
        return
    found = await repl.current_session()
    stored = next((message.content for message in found.messages if message.role == "system"), None) if found else None
    typer.echo(repl.system or stored or repl.settings.system or "the model's own")
