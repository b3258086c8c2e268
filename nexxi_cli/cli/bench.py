"""`nexxi chat --bench`: how fast the model is on this machine, as a small table."""

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.startup import cli_app
from nexxi_cli.core.errors import UsageError
from nexxi_cli.service.speed import Speeds, measured

if TYPE_CHECKING:
    from nexxi_cli.core.settings import Settings


def refuse_beside_bench(given: Mapping[str, object]) -> None:
    """Raises UsageError if any of these, by what they are called on the command line, was given."""
    names = [name for name, value in given.items() if value]
    if names:
        raise UsageError(f"--bench asks a prompt of its own and keeps nothing: leave out {', '.join(names)}")


async def bench(settings: "Settings", *, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Measure the model of the settings and print what came out. No session is touched."""
    async with cli_app(settings, quiet=quiet, verbose=verbose) as app:
        speeds = await measured(app.find_backend(), time.perf_counter, app.progress)
        peak = peak_memory_bytes()
    if as_json:
        from nexxi_cli.cli.documents import to_json

        typer.echo(to_json({**asdict(speeds), "peak_memory_bytes": peak}))
        return
    from nexxi_cli.cli.tables import print_table

    print_table(("measured", "result"), rows_of(speeds, peak), shrinking={"result"})


def rows_of(speeds: Speeds, peak_bytes: int) -> Sequence[tuple[str, str]]:
    """What is printed, a line each."""
    return [
        ("model", speeds.model),
        ("engine", speeds.engine or "not told"),
        ("prompt", f"{_rate(speeds.prompt_tokens_per_s)} ({speeds.prompt_tokens} tokens)"),
        ("first token", f"{speeds.first_token_s * 1000:,.0f} ms (prompt of {speeds.question_tokens} tokens)"),
        ("one reply", f"{_rate(speeds.tokens_per_s)} ({speeds.reply_tokens} tokens, greedy)"),
        (f"{speeds.streams} together", _together(speeds)),
        ("memory", f"{peak_bytes / 1e6:,.0f} MB at the most (this process)"),
    ]


def peak_memory_bytes() -> int:
    """The most that this process has had resident so far.

    Linux tells it of this program alone in /proc (proc_pid_status(5), VmHWM); what getrusage(2) tells there includes
    the process that started it. Elsewhere getrusage tells bytes.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _together(speeds: Speeds) -> str:
    if speeds.together_tokens_per_s is None:
        return "one after the other"
    return f"{_rate(speeds.together_tokens_per_s)} in all, prompts included"


def _rate(tokens_per_s: float | None) -> str:
    return "too short a reply" if tokens_per_s is None else f"{tokens_per_s:,.1f} tokens/s"
