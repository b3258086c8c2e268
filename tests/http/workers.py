"""Servers as processes of their own, over a scripted model: to be signalled, killed, and asked from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.http.serving import HEADERS, KEY

START_S = 60.0
END_S = 30.0
FOLDERS = {"CONFIG": "config", "DATA": "data", "CACHE": "cache", "STATE": "state"}


@dataclass
class Worker:
    """One process. `log` is the file of its standard error: JSON lines, and the line that tells where it listens."""

    process: "subprocess.Popen[bytes]"
    log: Path
    url: str = ""

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = END_S) -> int:
        """Wait for its end; the exit code."""
        return self.process.wait(seconds)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log's lines of one event."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def rss_bytes(self) -> int:
        """Its resident memory (proc(5), statm)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def children(self) -> str:
        """The ids of its child processes."""
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().strip()

    def wait_until_it_listens(self, *, ready: bool) -> None:
        """Raises AssertionError, with its log, if it ends or takes too long."""
        deadline = time.monotonic() + START_S
        while not self._listens(ready=ready):
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)

    def _listens(self, *, ready: bool) -> bool:
        found = re.search(r"on (http://\S+);", self.log.read_text())
        if found is None:
            return False
        self.url = found[1]
        return not ready or httpx.get(f"{self.url}/ready").status_code == 200


def environment(home: Path, **variables: object) -> Mapping[str, str]:
    """What a process in this home sees; no NEXXI_* variable but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NEXXI_", "XDG_RUNTIME"))}
    folders = {f"XDG_{name}_HOME": str(home / folder) for name, folder in FOLDERS.items()}
    own = {"NEXXI_PORT": "0", "NEXXI_API_KEY": KEY, "NEXXI_LOG_FORMAT": "json"}
    return inherited | {"HOME": str(home)} | folders | own | {name: str(value) for name, value in variables.items()}


@contextmanager
def workers(count: int, home: Path, *, ready: bool = True, **variables: object) -> Iterator[list[Worker]]:
    """So many servers in one home, which listen; killed at the end if they are still there."""
    home.mkdir(exist_ok=True)
    begun: list[Worker] = []
    try:
        for _ in range(count):
            log = home / f"server-{len(list(home.glob('server-*')))}.log"
            with log.open("wb") as file:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.http.scripted_server"],
                    env=environment(home, **variables),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=file,
                    start_new_session=True,
                )
            begun.append(Worker(process, log))
        for worker in begun:
            worker.wait_until_it_listens(ready=ready)
        yield begun
    finally:
        for worker in begun:
            if worker.process.poll() is None:
                worker.send(signal.SIGKILL)
            worker.process.wait()


@contextmanager
def worker(home: Path, *, ready: bool = True, **variables: object) -> Iterator[Worker]:
    """One server."""
    with workers(1, home, ready=ready, **variables) as (only,):
        yield only


def client_of(worker: Worker, key: str = KEY, *, keeps: int | None = None) -> httpx.AsyncClient:
    """A client with a key, and as many connections as it needs; it keeps all (or `keeps`) of them for later."""
    return httpx.AsyncClient(
        base_url=worker.url,
        headers=HEADERS | {"x-api-key": key},
        timeout=60,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=keeps),
    )
