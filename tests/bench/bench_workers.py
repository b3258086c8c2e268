"""How much two workers do beside one, in front of a scripted model server: `python -m tests.bench.bench_workers`.

Needs wrk and a core for each worker; model server, Redis and wrk take some of them, too. Nothing else should run on the
machine meanwhile. Keep-alive connections stay with the worker that took them, so there are many.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.bench_server import BODY, KEY, WRK_SCRIPT, free_port, wait_for
from tests.redis_process import running_redis

AIM = 1.7
"""Of two workers, in requests a second of one."""


@dataclass(frozen=True)
class Figures:
    """Of one run."""

    workers: int
    requests_per_second: float
    p50: str
    p99: str
    errors: int


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options = arguments.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder, running_redis() as redis, model_server() as model:
        script = Path(folder) / "post.lua"
        script.write_text(WRK_SCRIPT.format(body=json.dumps(BODY), key=KEY))
        direct = measured(model.removesuffix("/v1"), script, options.seconds, options.connections, workers=0)
        found = [direct]
        for count in options.workers:
            with serving(count, redis.url, model) as url:
                found.append(measured(url, script, options.seconds, options.connections, workers=count))
    print_table(found)


def print_table(found: list[Figures]) -> None:
    base = next((row.requests_per_second for row in found if row.workers == 1), None)
    print(f"{'workers':>12} {'requests/s':>11} {'p50':>10} {'p99':>10} {'errors':>7} {'factor':>7}")
    for row in found:
        name = str(row.workers) if row.workers else "server alone"
        factor = f"{row.requests_per_second / base:.2f}" if base and row.workers else ""
        print(f"{name:>12} {row.requests_per_second:>11.0f} {row.p50:>10} {row.p99:>10} {row.errors:>7} {factor:>7}")
    print(f"aim: factor {AIM} with two workers")


def measured(url: str, script: Path, seconds: int, connections: int, *, workers: int) -> Figures:
    """What wrk counts, after a warm-up."""
    command = ["wrk", "-t1", f"-c{connections}", "-s", str(script), "--latency", f"{url}/v1/chat/completions"]
    subprocess.run([*command, "-d2"], capture_output=True, check=True)
    text = subprocess.run([*command, f"-d{seconds}"], capture_output=True, text=True, check=True).stdout

    def figure(pattern: str) -> str:
        match = re.search(pattern, text)
        return match[1] if match else "0"

    return Figures(
        workers,
        float(figure(r"Requests/sec:\s+(\S+)")),
        figure(r" 50%\s+(\S+)"),
        figure(r" 99%\s+(\S+)"),
        int(figure(r"Non-2xx or 3xx responses: (\d+)")),
    )


@contextmanager
def model_server() -> Iterator[str]:
    """The scripted one; its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.model_server", str(port)])
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", seconds=10)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def serving(workers: int, redis_url: str, model: str, **variables: str) -> Iterator[str]:
    """`nexxi serve` with so many workers, all of them ready; its address. `variables`: more of its environment."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        settings = {
            "NEXXI_API_KEY": KEY,
            "NEXXI_PORT": str(port),
            "NEXXI_WORKERS": str(workers),
            "NEXXI_REDIS_URL": redis_url,
            "NEXXI_MODEL_SERVER": model,
            "NEXXI_REQUESTS_PER_MINUTE": "100000000",
            "NEXXI_LOG_FORMAT": "json",
            "XDG_DATA_HOME": home,
            "XDG_STATE_HOME": home,
            **variables,
        }
        log = Path(home) / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "nexxi_cli", "serve"], env=os.environ | settings, stderr=stderr
            )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/ready", seconds=30)
            while log.read_text().count('"ModelLoaded"') < workers:
                time.sleep(0.1)
            assert httpx.get(f"{url}/ready").status_code == 200
            yield url
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
