"""`nexxi serve` as a process of its own, with the real model."""

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

import httpx

LOAD_S = 120.0
ANNOUNCED = re.compile(r"on (http://\S+);")


@dataclass(frozen=True)
class Served:
    """A running server. `key` was made by `nexxi keys create`; `local_key` is the NEXXI_API_KEY of its environment."""

    url: str
    key: str
    local_key: str
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes]"
    log: Path

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"x-api-key": key or self.key}, timeout=60)

    def nexxi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The program in the server's own home."""
        command = [sys.executable, "-m", "nexxi_cli", *arguments]
        return subprocess.run(command, env=self.environment, input="", capture_output=True, text=True, timeout=120)

    def lines(self) -> list[str]:
        """What it has written to standard error."""
        return self.log.read_text().splitlines()

    def ended(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def environment_in(home: Path, cache: str) -> dict[str, str]:
    """An empty home with the user's cache, where the model lies."""
    folders = {f"XDG_{name.upper()}_HOME": str(home / name) for name in ("config", "data", "state")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEXXI_", "XDG_RUNTIME"))}
    return kept | folders | {"HOME": str(home), "XDG_CACHE_HOME": cache, "NEXXI_API_KEY": "the-key-of-this-machine"}


@contextmanager
def served(home: Path, cache: str) -> Iterator[Served]:
    """A server that has loaded its model; it is ended afterwards."""
    environment = environment_in(home, cache)
    program = [sys.executable, "-m", "nexxi_cli"]
    made = subprocess.run([*program, "keys", "create", "e2e", "--json"], env=environment, capture_output=True)
    key = json.loads(made.stdout)["key"]
    log = home / "serve.log"
    command = [*program, "serve", "--port", "0", "--log-format", "json", "--grace", "2"]
    with log.open("wb") as stderr, subprocess.Popen(command, env=environment, stderr=stderr) as process:
        try:
            url = _announced(process, log)
            server = Served(url, key, environment["NEXXI_API_KEY"], environment, process, log)
            _wait_until_ready(server)
            yield server
        finally:
            process.terminate()


def _announced(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + LOAD_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := ANNOUNCED.search(log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def _wait_until_ready(server: Served) -> None:
    deadline = time.monotonic() + LOAD_S
    with server.client() as client:
        while client.get("/ready").status_code != 200:
            assert time.monotonic() < deadline, server.lines()
            time.sleep(0.1)
