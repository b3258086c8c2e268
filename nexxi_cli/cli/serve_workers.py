"""`nexxi serve --workers N`: what the processes share, and what a worker says when it cannot serve."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.render import error_line
from nexxi_cli.core.errors import NexxiError
from nexxi_cli.http.workers import Bond, Workers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from nexxi_cli.core.settings import Settings

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads it when it is imported: in the workers, not here."""


def run_workers(settings: "Settings", listener: "socket.socket", serve: "Callable[[Bond], int]") -> int:
    """Serve in so many processes until a signal; return the exit code."""

    def work(bond: Bond) -> int:
        try:
            return serve(bond)
        except NexxiError as error:
            typer.echo(f"nexxi: {error_line(error)}", err=True)
            return error.exit_code

    with _shared_metrics():
        return Workers(settings.workers, work, grace_s=settings.grace_s, on_ending=listener.close).run()


@contextmanager
def _shared_metrics() -> Iterator[None]:
    """A folder for the figures of all workers, unless the environment names one."""
    if os.environ.get(MULTIPROC_DIR):
        yield
        return
    with TemporaryDirectory(prefix="nexxi-metrics-") as folder:
        os.environ[MULTIPROC_DIR] = folder
        try:
            yield
        finally:
            del os.environ[MULTIPROC_DIR]
