"""From flags to settings and an open App, the same for every command."""

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from nexxi_cli.cli.progress import TerminalProgress
from nexxi_cli.core.access import LOCAL_OWNER as LOCAL_OWNER  # for the commands
from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.paths import Paths, xdg_paths

if TYPE_CHECKING:
    from nexxi_cli.core.ports import Observer
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.wiring import App


def cli_paths() -> Paths:
    """Our folders for this process."""
    return xdg_paths(os.environ)


def read_settings(flags: Mapping[str, object], assignments: Sequence[str] = ()) -> "Settings":
    """The settings of this command line: its flags, and each `-o key=value`. Raises SettingsError."""
    from nexxi_cli.core.settings import load_settings

    config = cli_paths().config / "config.toml"
    return load_settings(flags, os.environ, default_config=config, assignments=_parsed(assignments))


def _parsed(assignments: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"-o {assignment}: write it as key=value")
        values[key.strip().replace("-", "_")] = value.strip()
    return values


@asynccontextmanager
async def cli_app(settings: "Settings", *, quiet: bool = False, verbose: bool = False) -> AsyncIterator["App"]:
    """The App as the command line uses it: progress and, with `verbose`, log lines on standard error."""
    from nexxi_cli.cli.outage import OutageNotes
    from nexxi_cli.cli.summing import SummaryLine
    from nexxi_cli.observability.silence import SILENT
    from nexxi_cli.wiring import open_app

    observer: Observer = SILENT
    if verbose:
        from nexxi_cli.observability.logs import LogObserver, flush_logs, log_to

        log_to(sys.stderr, level="DEBUG")
        observer = LogObserver()
    notes = OutageNotes(SummaryLine(observer, quiet=quiet), quiet=quiet)
    progress = TerminalProgress(quiet=quiet)
    try:
        async with open_app(settings, cli_paths(), observer=notes, progress=progress, spool=True) as app:
            yield app
    finally:
        notes.show()
        if verbose:
            flush_logs()
