"""The Typer application, and the one place where errors become a line and an exit code."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Annotated

import typer

from nexxi_cli import __version__
from nexxi_cli.cli.api_keys import app as keys_app
from nexxi_cli.cli.chat import chat
from nexxi_cli.cli.doctor import doctor
from nexxi_cli.cli.models import app as models_app
from nexxi_cli.cli.options import HELP_OPTIONS, DebugFlag
from nexxi_cli.cli.redact import redact
from nexxi_cli.cli.render import error_line, without_controls
from nexxi_cli.cli.serve import serve
from nexxi_cli.cli.sessions import app as sessions_app
from nexxi_cli.cli.streams import open_missing_streams
from nexxi_cli.core.errors import NexxiError, UsageError

EPILOG = (
    "Exit codes: 0 done; 1 error; 2 usage; 3 refused by the safety filter, or `redact --check` found something; "
    "4 not authorised; 5 over quota or overloaded; 6 something that is needed is down; 130 interrupted."
)
INTERRUPTED = 130

app = typer.Typer(name="nexxi", context_settings=HELP_OPTIONS, epilog=EPILOG, no_args_is_help=False)
app.command("chat", epilog=EPILOG)(chat)
app.command("redact", epilog=EPILOG)(redact)
app.command("serve", epilog=EPILOG)(serve)
app.command("doctor", epilog=EPILOG)(doctor)
for _module in ("edit", "transfer", "archive"):
    import_module(f"nexxi_cli.cli.sessions_{_module}")
app.add_typer(sessions_app, name="sessions")
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")


def _print_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag's value
    if value:
        typer.echo(f"nexxi {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
    debug: DebugFlag = False,
) -> None:
    """Chat with a local language model: in the terminal, in scripts, behind an API."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code. Errors are one line on standard error, `--debug` adds the trace."""
    open_missing_streams()
    if "_NEXXI_COMPLETE" in os.environ:  # the shell asks for completions: Typer's own entry answers
        app(prog_name="nexxi")
    try:
        _check_encoding(arguments)
        command = typer.main.get_command(app)
        with command.make_context("nexxi", list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as ended:
        return ended.exit_code
    except NexxiError as error:
        return _report(error_line(error), type(error).kind, error.exit_code, arguments)
    except typer.TyperException as error:
        return _report(error.format_message(), "invalid_request_error", error.exit_code, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader has what it wanted: `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # whoever opens a file translates its errors: what is left is our own output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        line = f"{error.filename or 'standard output'} cannot be used: {error.strerror or error}"
        return _report(line, "api_error", 1, arguments)
    except Exception as error:  # noqa: BLE001 - the surface: whatever it was, the user gets one line
        line = f"internal error, please report it: {type(error).__name__}: {error} (--debug shows where)"
        return _report(line, "api_error", 1, arguments)
    return 0


def _report(message: str, kind: str, exit_code: int, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        traceback.print_exc()
    if not message:  # the help was printed instead
        return exit_code
    line = without_controls(" ".join(message.split()))
    if "--json" in arguments:
        line = json.dumps({"error": {"message": line, "type": kind, "exit_code": exit_code}}, ensure_ascii=False)
    else:
        line = f"nexxi: {line}"
    with suppress(OSError):  # the terminal is gone
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the surface
    return exit_code


def _check_encoding(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):  # PEP 383
            raise UsageError(f"the argument {argument!a} is not UTF-8")
