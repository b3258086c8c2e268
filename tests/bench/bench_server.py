"""How much `nexxi serve` adds, over a scripted engine: `python -m tests.bench.bench_server [--litellm PATH]`.

Needs wrk. `--litellm` names the program of an environment with `litellm[proxy]`; it then forwards to a scripted server
of its own, in the same run. Nothing else should run on the machine meanwhile.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.redis_process import running_redis

KEY = "bench-key-0123456789"
CONNECTIONS = 16
WARM_UP = 300
STREAMS = 500
BODY = {"model": "scripted", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = '{body}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--requests", type=int, default=100_000, help="for the memory's course")
    arguments.add_argument("--litellm", type=Path)
    options = arguments.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(WRK_SCRIPT.format(body=json.dumps(BODY), key=KEY))
        throughput(script, options.seconds)
        latency(options.seconds)
        streams()
        memory(script, options.requests)
        if options.litellm is not None:
            litellm(options.litellm, script, options.seconds, Path(folder))


def throughput(script: Path, seconds: int) -> None:
    """Requests a second without sessions, quota in memory."""
    with serving() as (url, _):
        print(f"completions, {CONNECTIONS} connections: {wrk(url, script, seconds)}")


def latency(seconds: int) -> None:
    """What the pipeline adds at 50 requests/s, sessions and quota in Redis, to the same reply from a bare server."""
    with upstream() as target:
        times = asyncio.run(at_fifty(f"{target}/v1/chat/completions", BODY, seconds))
        print(f"the bare reply, 50 requests/s: {percentiles(times)}")
    with running_redis() as redis, serving(NEXXI_REDIS_URL=redis.url) as (url, _):
        for label, path, body in (
            ("/v1/chat with sessions", "/v1/chat", {"message": "What is the capital of France?"}),
            ("/v1/chat/completions", "/v1/chat/completions", BODY),
        ):
            times = asyncio.run(at_fifty(f"{url}{path}", body, seconds))
            print(f"{label}, 50 requests/s, Redis: {percentiles(times)}")


async def at_fifty(url: str, body: Mapping[str, object], seconds: int) -> list[float]:
    """Milliseconds of each request, sent when it is due whether or not those before are back."""
    times: list[float] = []
    idle: list[Connection] = []
    sessions: dict[int, str] = {}

    async def ask(number: int) -> None:
        place = number % 20
        session = {"session_id": sessions[place]} if place in sessions else {}
        connection = idle.pop() if idle else await Connection.to(url)
        began = time.perf_counter()
        answer = await connection.post(json.dumps({**body, **session}).encode())
        times.append(1000 * (time.perf_counter() - began))
        idle.append(connection)
        if "message" in body:
            sessions[place] = json.loads(answer)["session_id"]

    for number in range(WARM_UP):
        await ask(number)
    times.clear()
    began = time.perf_counter()
    tasks = []
    for number in range(50 * seconds):
        await asyncio.sleep(max(0.0, began + number / 50 - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(number)))
    await asyncio.gather(*tasks)
    for connection in idle:
        connection.writer.close()
    return times


@dataclass
class Connection:
    """Keeps alive. httpx would take 2 ms a request itself."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    path: str

    @classmethod
    async def to(cls, url: str) -> "Connection":
        parts = httpx.URL(url)
        return cls(*await asyncio.open_connection(parts.host, parts.port), parts.path)

    async def post(self, body: bytes) -> bytes:
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        assert answer.startswith(b"http/1.1 200"), answer
        length = re.search(rb"content-length: (\d+)", answer)
        assert length is not None
        return await self.reader.readexactly(int(length[1]))


def streams() -> None:
    """Memory of many streams that wait for their first token."""
    with serving(SCRIPT_DELAY_S="600", NEXXI_MAX_CONCURRENT=str(STREAMS)) as (url, pid):
        before = rss_mb(pid)
        asyncio.run(hold_streams(url, pid, before))


async def hold_streams(url: str, pid: int, before: float) -> None:
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps({**BODY, "stream": True})
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    )
    readers, writers = [], []
    for _ in range(STREAMS):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request.encode())
        readers.append(reader)
        writers.append(writer)
    await asyncio.gather(*(reader.readuntil(b"assistant") for reader in readers))
    print(f"{STREAMS} idle streams: RSS {rss_mb(pid):.0f} MB, {before:.0f} MB before")
    for writer in writers:
        writer.close()


def memory(script: Path, requests: int) -> None:
    """The server's memory while requests go through it."""
    with serving() as (url, pid):
        wrk(url, script, 3)
        course = [(0, rss_mb(pid))]
        done = 0
        while done < requests:
            done += wrk_count(url, script, 10)
            course.append((done, rss_mb(pid)))
    print("RSS after requests: " + ", ".join(f"{count}: {size:.0f} MB" for count, size in course))


def litellm(program: Path, script: Path, seconds: int, folder: Path) -> None:
    """The same load through LiteLLM's proxy, and straight at the server that it forwards to."""
    port = free_port()
    with upstream() as target:
        print(f"LiteLLM's upstream alone: {wrk(target, script, seconds)}")
        config = folder / "litellm.yaml"
        model = {"model": "openai/scripted", "api_base": f"{target}/v1", "api_key": "none"}
        config.write_text(json.dumps({"model_list": [{"model_name": "scripted", "litellm_params": model}]}))
        command = [str(program), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        no_key = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
        with subprocess.Popen(
            command, env=os.environ | no_key, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/health/liveliness", seconds=120)
            print(f"LiteLLM proxy, {CONNECTIONS} connections: {wrk(url, script, seconds)}")
            times = asyncio.run(at_fifty(f"{url}/v1/chat/completions", BODY, seconds))
            print(f"LiteLLM proxy, 50 requests/s: {percentiles(times)}")
            process.terminate()


@contextmanager
def serving(**environment: str) -> Iterator[tuple[str, int]]:
    """The server as a process of its own; its address and process id."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        settings = {
            "NEXXI_API_KEY": KEY,
            "NEXXI_PORT": str(port),
            "NEXXI_REQUESTS_PER_MINUTE": "100000000",
            "NEXXI_MAX_CONCURRENT": "64",
            "NEXXI_LOG_FORMAT": "json",
            "XDG_DATA_HOME": home,
            "XDG_STATE_HOME": home,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.http.scripted_server"],
            env=os.environ | settings | environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/ready", seconds=30)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait()


@contextmanager
def upstream() -> Iterator[str]:
    """A server that always gives the same completion, as fast as Python can."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.upstream", str(port)])
    try:
        wait_for(f"http://127.0.0.1:{port}/", seconds=10)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wrk(url: str, script: Path, seconds: int) -> str:
    """Requests a second and latencies, in words."""
    text = run_wrk(url, script, seconds)
    found = {name: re.search(pattern, text) for name, pattern in WRK_FIGURES.items()}
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    figures = ", ".join(f"{name} {match[1] if match else '?'}" for name, match in found.items())
    return figures + (f", {errors[1]} errors" if errors else "")


WRK_FIGURES = {"requests/s": r"Requests/sec:\s+(\S+)", "p50": r" 50%\s+(\S+)", "p99": r" 99%\s+(\S+)"}


def wrk_count(url: str, script: Path, seconds: int) -> int:
    match = re.search(r"(\d+) requests in", run_wrk(url, script, seconds))
    assert match is not None
    return int(match[1])


def run_wrk(url: str, script: Path, seconds: int) -> str:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(script), "--latency"]
    return subprocess.run([*command, f"{url}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout


def percentiles(times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms of {len(times)}"


def rss_mb(pid: int) -> float:
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1]) / 1000


def wait_for(url: str, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(url, timeout=2).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} does not answer")
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
