"""`nexxi models`: the models of this machine, listed, shown, fetched, unloaded and removed."""

from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.confirm import confirm
from nexxi_cli.cli.options import HELP_OPTIONS, DebugFlag, JsonFlag, QuietFlag, YesFlag

if TYPE_CHECKING:
    from nexxi_cli.core.ports import ModelLibrary
    from nexxi_cli.core.types import ListedModel

app = typer.Typer(context_settings=HELP_OPTIONS, no_args_is_help=True, help="List, fetch and remove models.")

NameArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Alias, hub id, or .gguf file.")]


@app.command("list")
def list_models(*, as_json: JsonFlag = False, debug: DebugFlag = False) -> None:
    """List the known models and those that are here."""
    from nexxi_cli.cli.documents import model_document, to_json
    from nexxi_cli.cli.tables import print_table

    models = _library().list()
    if as_json:
        typer.echo(to_json([model_document(model) for model in models]))
        return
    rows = [
        (model.name, model.parameters, _size(model.size_bytes), _state(model), model.licence, model.source)
        for model in models
    ]
    print_table(("NAME", "PARAMETERS", "SIZE", "STATE", "LICENCE", "SOURCE"), rows, shrinking={"SOURCE"})


@app.command("show")
def show(model: NameArgument, *, as_json: JsonFlag = False, debug: DebugFlag = False) -> None:
    """Show one model, and check that its files are what was written."""
    from nexxi_cli.cli.documents import model_document, to_json
    from nexxi_cli.core.errors import ModelUnavailable

    library = _library()
    found = library.find(model)
    document = model_document(found)
    if as_json:
        typer.echo(to_json(document))
    else:
        facts = {**document, "size_bytes": _size(found.size_bytes), "state": _state(found)}
        for key, value in facts.items():
            typer.echo(f"{key.removesuffix('_bytes'):11} {'' if value is None else value}")
    damaged = library.damaged_files(model)
    if damaged:
        raise ModelUnavailable(f"{', '.join(damaged)} of {model} are damaged: `nexxi models rm {model}`, then pull it")


@app.command("pull")
def pull(model: NameArgument, *, quiet: QuietFlag = False, debug: DebugFlag = False) -> None:
    """Fetch a model and convert it, so that it loads fast; its steps are compiled behind."""
    from nexxi_cli.cli.startup import cli_paths, read_settings
    from nexxi_cli.wiring import compile_behind

    settings = read_settings({})
    path = _library(quiet=quiet).pull(model)
    compile_behind(path, settings, cli_paths())
    if not quiet:
        typer.echo(f"{model} is ready in {path}", err=True)


@app.command("rm")
def remove(model: NameArgument, *, yes: YesFlag = False, debug: DebugFlag = False) -> None:
    """Remove a model from the disk."""
    library = _library()
    found = library.find(model)
    confirm(f"Remove {model} ({_size(found.size_bytes)})?", yes=yes)
    library.remove(model)
    typer.echo(f"removed {model}", err=True)


@app.command("stop")
def stop(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="Only this one.")] = None,
    *,
    quiet: QuietFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Unload what `nexxi chat --keep-alive` has left loaded."""
    from nexxi_cli.cli.running import run_to_end
    from nexxi_cli.cli.startup import cli_paths
    from nexxi_cli.wiring import stop_engines

    for engine in run_to_end(stop_engines(cli_paths(), model)):
        if not quiet:
            typer.echo(f"stopped {engine.model} (pid {engine.pid})", err=True)


def _library(*, quiet: bool = False) -> "ModelLibrary":
    from nexxi_cli.cli.progress import TerminalProgress
    from nexxi_cli.cli.startup import cli_paths
    from nexxi_cli.wiring import model_library

    return model_library(cli_paths(), TerminalProgress(quiet=quiet))


def _state(model: "ListedModel") -> str:
    return "ready" if model.path else "not pulled"


def _size(size_bytes: int | None) -> str:
    """Decimal megabytes or gigabytes, as disks are sold."""
    if size_bytes is None:
        return ""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
