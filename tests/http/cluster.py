"""`nexxi serve --workers N` as its user runs it, in front of a scripted model server."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.http.workers import START_S, Worker, environment


class Cluster(Worker):
    """The parent and its workers; what Worker says of the process holds for the parent."""

    def pids(self) -> list[int]:
        """Of the workers."""
        return [int(pid) for pid in self.children().split()]

    def wait_for(self, count: int, *, without: int = 0) -> list[int]:
        """Wait until there are so many workers, and none is `without`."""
        deadline = time.monotonic() + START_S
        while len(pids := self.pids()) != count or without in pids:
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        return pids

    def wait_until_all_listen(self, count: int) -> None:
        """Wait until so many workers have loaded their model."""
        self.wait_for(count)
        deadline = time.monotonic() + START_S
        while len(self.lines("ModelLoaded")) < count:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def metric(self, name: str, key: str) -> float:
        """The sum of a metric's series, as any worker tells it."""
        text = httpx.get(f"{self.url}/metrics", headers={"x-api-key": key}).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


@contextmanager
def cluster(home: Path, *arguments: str, **variables: object) -> Iterator[Cluster]:
    """One that listens; killed at the end with all its workers, if it is still there."""
    home.mkdir(exist_ok=True)
    log = home / "cluster.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "nexxi_cli", "serve", *arguments],
            env=environment(home, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    found = Cluster(process, log)
    try:
        found.wait_until_it_listens(ready=True)
        yield found
    finally:
        if process.poll() is None:
            for pid in found.pids():
                os.kill(pid, signal.SIGKILL)
            process.kill()
        process.wait()
