"""A real Prometheus with the printed configuration reads our metrics, and finds what the dashboard asks for."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry

from nexxi_cli.core.events import (
    Event,
    ModelLoaded,
    QueueChanged,
    QuotaRefused,
    ReplyFinished,
    RequestAdmitted,
    RequestScreened,
    TurnKept,
)
from nexxi_cli.core.settings import Settings
from nexxi_cli.core.types import Timing, Usage
from nexxi_cli.http.configs import METRICS_KEY, configuration
from nexxi_cli.observability.metrics import MetricsObserver, exposition
from tests.e2e.programs import free_port, program, running, wait_for_port
from tests.http.dashboard import queries
from tests.observability.requests import served

KEY = "a-key-for-metrics"
PATIENCE_S = 40.0

TRAFFIC: tuple[Event, ...] = (
    served(),
    served(status=429, error="rate_limit_error"),
    QuotaRefused("requests"),
    QueueChanged(1, 0),
    RequestAdmitted("", 0.1),
    RequestScreened("", "in", allowed=True, finding_types=("EMAIL",), chars=9),
    ReplyFinished("", "m", "stop", Usage(7, 3), Timing(0.4, 1.5)),
    TurnKept(new_session=True),
    ModelLoaded("m", 2.0),
)


class Metrics(ThreadingHTTPServer):
    """Serves the metrics to whom has the key; traffic goes on before each scrape."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Scrapes)
        self.registry = CollectorRegistry()
        self.observer = MetricsObserver(self.registry)


class Scrapes(BaseHTTPRequestHandler):
    server: Metrics

    def do_GET(self) -> None:
        is_known = self.headers["Authorization"] == f"Bearer {KEY}"
        for event in TRAFFIC:
            self.server.observer.notify(event)
        body, content_type = exposition(self.server.registry)
        self.send_response(200 if is_known and self.path == "/metrics" else 401)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body if is_known else b"")

    def log_message(self, *words: object) -> None:
        pass


def write_configuration(folder: Path, settings: Settings) -> Path:
    """The printed file, its key at a place of the test's, and scrapes that come faster."""
    (folder / "key").write_text(KEY)
    config = folder / "prometheus.yml"
    printed = configuration("prometheus", settings)
    config.write_text(printed.replace(METRICS_KEY, str(folder / "key")).replace("15s", "1s"))
    return config


@contextmanager
def serving() -> Iterator[Metrics]:
    server = Metrics()
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(public_metrics=True), Settings(uds=Path("/run/n.sock")), Settings(host="::1")],
    ids=["key", "open", "socket", "ipv6"],
)
def test_promtool_accepts_the_configuration(tmp_path: Path, settings: Settings) -> None:
    config = write_configuration(tmp_path, settings)
    done = subprocess.run([program("promtool"), "check", "config", config], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_promtool_finds_our_names_in_good_order() -> None:
    with serving() as server:
        for event in TRAFFIC:
            server.observer.notify(event)
        text = exposition(server.registry)[0]
    done = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def answer(port: int, query: str) -> list[object]:
    """What Prometheus has for a query."""
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urlencode({"query": query.replace("$__rate_interval", "10s")})
    with urlopen(url, timeout=10) as response:
        found = json.load(response)["data"]["result"]
    assert isinstance(found, list)
    return found


def test_every_panel_of_the_dashboard_has_something_to_show(tmp_path: Path) -> None:
    port = free_port()
    with serving() as server:
        config = write_configuration(tmp_path, Settings(port=server.server_address[1]))
        command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
                   f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
        with running(*command):
            wait_for_port(port)
            empty = {query for asked in queries().values() for query in asked}
            deadline = time.monotonic() + PATIENCE_S
            while empty and time.monotonic() < deadline:
                time.sleep(0.5)
                empty = {query for query in empty if not answer(port, query)}
    assert empty == set()
