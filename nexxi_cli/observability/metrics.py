"""Events as Prometheus metrics. Names follow prometheus.io/docs/practices/naming; labels come from closed sets.

With PROMETHEUS_MULTIPROC_DIR in the environment before Python starts, every process that serves keeps its figures in
that folder, and each of them tells those of all.
"""

import os
import re
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from nexxi_cli.core.events import Event
from nexxi_cli.observability.instruments import (
    build_info,
    count_replies,
    count_requests,
    count_safety,
    count_sessions,
    count_workers,
    gauge_dependencies,
    gauge_queue,
)
from nexxi_cli.observability.labels import ROUTES, Routes

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"

_collect_files: Callable[[CollectorRegistry, str], object] = MultiProcessCollector
_forget: Callable[[int, str], None] = mark_process_dead


class MetricsObserver:
    """Counts what it hears of in `registry`, which whoever serves it hands in, and which is for it alone."""

    def __init__(self, registry: CollectorRegistry, *, routes: Collection[str] = ROUTES) -> None:
        """`routes`: the templates of paths that get series of their own; all others share one."""
        ProcessCollector(registry=registry)
        build_info(registry)
        self._instruments = {
            **count_requests(registry, Routes(routes)),
            **gauge_queue(registry),
            **count_replies(registry),
            **count_safety(registry),
            **count_sessions(registry),
            **gauge_dependencies(registry),
            **count_workers(registry),
        }

    def notify(self, event: Event) -> None:
        """Count `event`."""
        count = self._instruments.get(type(event))
        if count is not None:
            count(event)


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """The metrics as Prometheus reads them, and their content type: of `registry`, or of all processes together.

    Of several processes there is no process_*: whose it is would be chance.
    """
    folder = os.environ.get(MULTIPROC_DIR)
    if folder:
        _forget_the_dead(Path(folder))
        registry = CollectorRegistry()
        _collect_files(registry, folder)
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _forget_the_dead(folder: Path) -> None:
    """Remove what a process that was killed left of its gauges: its requests are not running any more."""
    for file in folder.glob("gauge_live*_*.db"):
        match = re.search(r"_(\d+)\.db$", file.name)
        if match is not None and not _is_alive(int(match[1])):
            with suppress(FileNotFoundError):  # another process has just done it
                _forget(int(match[1]), str(folder))


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":  # signal 0 is Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
