"""`python -m tests.chaos`: what takes too long for every run: hundreds of idle streams, floods, long outages.

Prints what it measures; ends with 1 if anything that must hold did not.
"""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.http.test_chat_route import events_of
from tests.http.workers import Worker, client_of, worker
from tests.redis_process import RedisProcess, running_redis

STREAM = {"message": "Why?", "save": False, "stream": True}
UNBOUND = {"NEXXI_REQUESTS_PER_MINUTE": 1_000_000, "NEXXI_MAX_QUEUE": 2000}
MIB = 1 << 20


async def idle_streams(home: Path, _: RedisProcess) -> str:
    """500 clients wait in the queue, with pings, for half a minute; then all leave at once."""
    with worker(home, SCRIPT_ENDLESS="1", SCRIPT_DELAY_S="0.05", NEXXI_MAX_TOKENS=100_000, **UNBOUND) as server:
        before = server.rss_bytes()
        async with client_of(server) as client:
            streams = [asyncio.create_task(client.post("/v1/chat", json=STREAM)) for _ in range(500)]
            await gauge(server, "nexxi_requests_waiting 499.0")
            begun = server.rss_bytes()
            await asyncio.sleep(30)
            later = server.rss_bytes()
            for stream in streams:
                stream.cancel()
            await asyncio.wait(streams)
            await gauge(server, "nexxi_requests_running 0.0")
        assert later - begun < 10 * MIB, "idle streams grow"
        return f"RSS {before // MIB} MiB, with 500 streams {begun // MIB}, after 30 s {later // MIB}"


async def impatience(home: Path, _: RedisProcess) -> str:
    """2000 requests whose clients leave after 50 ms; the gauges are back at 0 and the next one is answered."""
    with worker(home, SCRIPT_DELAY_S="0.01", NEXXI_MAX_CONCURRENT=4, **UNBOUND) as server:
        async with client_of(server) as client:
            before = 0
            for round_ in range(10):
                waves = [asyncio.create_task(client.post("/v1/chat", json=STREAM)) for _ in range(200)]
                await asyncio.wait(waves, timeout=0.05)
                for request in waves:
                    request.cancel()
                await asyncio.wait(waves)
                before = before or (server.rss_bytes() if round_ == 2 else 0)
            await gauge(server, "nexxi_requests_waiting 0.0")
            await gauge(server, "nexxi_requests_running 0.0")
            assert (await client.post("/v1/chat", json=STREAM)).status_code == 200
            after = server.rss_bytes()
        assert after - before < 20 * MIB, "memory grows"
        return f"RSS after 600 requests {before // MIB} MiB, after 2000 {after // MIB}"


async def frozen_redis(home: Path, redis: RedisProcess) -> str:
    """Redis is frozen for half a minute under steady requests: latency, memory and the log stay flat."""
    with worker(home, NEXXI_REDIS_URL=redis.url, **UNBOUND) as server:
        async with client_of(server) as client:
            assert (await client.post("/v1/chat", json=STREAM)).status_code == 200
            worst, count = 0.0, 0
            with redis.frozen():
                until, begun = time.monotonic() + 30, server.rss_bytes()
                while time.monotonic() < until:
                    began = time.monotonic()
                    answers = await asyncio.gather(*(client.post("/v1/chat", json=STREAM) for _ in range(50)))
                    worst, count = max(worst, time.monotonic() - began), count + len(answers)
                    assert {answer.status_code for answer in answers} == {503}
                ended = server.rss_bytes()
            await ready(server)
            assert (await client.post("/v1/chat", json=STREAM)).status_code == 200
        down, up = server.lines("StoreDown"), server.lines("StoreUp")
        assert (len(down), len(up)) == (1, 1), "more than one line for an outage"
        assert worst < 4, "requests hang"
        assert ended - begun < 20 * MIB, "memory grows"
        return f"{count} refused, 50 of them in at most {worst:.2f} s; RSS {begun // MIB} -> {ended // MIB} MiB"


async def restarts_under_load(home: Path, redis: RedisProcess) -> str:
    """Five times SIGTERM under load, the next process in its place: every stream ends with [DONE] or was refused."""
    answered = refused = 0
    for _ in range(5):
        settings = {"SCRIPT_DELAY_S": "0.05", "NEXXI_MAX_CONCURRENT": 20, "NEXXI_REDIS_URL": redis.url}
        with worker(home, **settings, **UNBOUND) as server:
            async with client_of(server) as client:
                streams = [asyncio.create_task(client.post("/v1/chat", json=STREAM)) for _ in range(100)]
                await gauge(server, "nexxi_requests_running 20.0")
                server.send(signal.SIGTERM)
                for answer in await asyncio.gather(*streams):
                    is_done = answer.status_code == 200 and events_of(answer.text)[-1] == "[DONE]"
                    assert is_done or answer.status_code == 503, "an answer that is none"
                    answered, refused = answered + is_done, refused + (not is_done)
            assert await asyncio.to_thread(server.ended) == 0
    return f"{answered} streams finished, {refused} were refused"


async def gauge(server: Worker, line: str) -> None:
    async with asyncio.timeout(60), client_of(server) as client:
        while line not in (await client.get("/metrics")).text:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.1)


async def ready(server: Worker) -> None:
    async with asyncio.timeout(10), client_of(server) as client:
        while (await client.get("/ready")).status_code != 200:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.1)


TRIALS: tuple[Callable[[Path, RedisProcess], Awaitable[str]], ...] = (
    idle_streams,
    impatience,
    frozen_redis,
    restarts_under_load,
)


def main() -> int:
    failures = 0
    for trial in TRIALS:
        with tempfile.TemporaryDirectory() as folder, running_redis() as redis:
            try:
                found = asyncio.run(trial(Path(folder), redis))  # type: ignore[arg-type]
            except (AssertionError, TimeoutError) as failure:
                failures += 1
                found = f"FAILED: {failure or type(failure).__name__}"
            print(f"{trial.__name__}: {found}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
