"""Several workers on one port, over one model server and one Redis: they are one server to whoever calls."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.http.cluster import Cluster, cluster
from tests.http.serving import KEY
from tests.http.upstream_process import UpstreamProcess, upstream_process
from tests.http.workers import client_of
from tests.redis_process import RedisProcess, running_redis

HELLO = {"message": "What is the capital of France?"}
COUNT = 3


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def model() -> Iterator[UpstreamProcess]:
    with upstream_process(delay_s=0.05) as server:
        yield server


@pytest.fixture
def three(redis: RedisProcess, model: UpstreamProcess, tmp_path: Path) -> Iterator[Cluster]:
    settings = {
        "NEXXI_REDIS_URL": redis.url,
        "NEXXI_MODEL_SERVER": model.url,
        "NEXXI_REQUESTS_PER_MINUTE": 10_000,
        "NEXXI_GRACE_S": 10,
    }
    redis.client.flushall()
    with cluster(tmp_path / "home", "--workers", str(COUNT), **settings) as found:
        found.wait_until_all_listen(COUNT)
        yield found


async def ask_afresh(found: Cluster, **body: object) -> httpx.Response:
    """Ask over a connection of its own, which any of the workers may get."""
    async with client_of(found) as client:
        return await client.post("/v1/chat", json=HELLO | body)


async def test_a_conversation_goes_on_on_any_worker_and_the_metrics_are_of_all(three: Cluster) -> None:
    answers = [await ask_afresh(three, session_id="walk") for _ in range(6)]
    answers += await asyncio.gather(*(ask_afresh(three, save=False) for _ in range(24)))
    assert Counter(answer.status_code for answer in answers) == {200: 30}
    async with client_of(three) as client:
        shown = (await client.get("/v1/sessions/walk")).json()
    assert len(shown["messages"]) == 12
    assert {three.metric("nexxi_replies_total", KEY) for _ in range(6)} == {30}
    assert three.metric("nexxi_requests_running", KEY) == 0


async def test_the_quota_is_one_for_all_workers(redis: RedisProcess, model: UpstreamProcess, tmp_path: Path) -> None:
    settings = {"NEXXI_REDIS_URL": redis.url, "NEXXI_MODEL_SERVER": model.url, "NEXXI_REQUESTS_PER_MINUTE": 10}
    redis.client.flushall()
    with cluster(tmp_path / "home", "--workers", "2", **settings) as found:
        found.wait_until_all_listen(2)
        answers = await asyncio.gather(*(ask_afresh(found, save=False) for _ in range(25)))
    assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 15}


async def test_a_worker_that_is_killed_is_replaced_and_the_others_answer_meanwhile(three: Cluster) -> None:
    victim = three.pids()[0]
    os.kill(victim, signal.SIGKILL)
    for _ in range(10):
        assert (await ask_afresh(three, save=False)).status_code == 200
    three.wait_for(COUNT, without=victim)
    deadline = time.monotonic() + 20
    while not three.lines("WorkerReplaced"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    (line,) = three.lines("WorkerReplaced")
    assert line["reason"] == f"worker {victim} was killed by SIGKILL"


async def streams(found: Cluster, count: int) -> list["asyncio.Task[httpx.Response]"]:
    """So many that are being written."""
    begun = [asyncio.create_task(ask_afresh(found, save=False, stream=True)) for _ in range(count)]
    async with asyncio.timeout(20):
        while await asyncio.to_thread(found.metric, "nexxi_requests_running", KEY) < count:  # noqa: ASYNC110 - from outside
            await asyncio.sleep(0.05)
    return begun


@pytest.fixture
def slow_two(redis: RedisProcess, tmp_path: Path) -> Iterator[Cluster]:
    """Two workers in front of a model that takes some seconds for a reply."""
    with upstream_process(delay_s=0.6) as slow:
        settings = {"NEXXI_REDIS_URL": redis.url, "NEXXI_MODEL_SERVER": slow.url, "NEXXI_GRACE_S": 30}
        with cluster(tmp_path / "home", "--workers", "2", **settings) as found:
            found.wait_until_all_listen(2)
            yield found


async def test_a_signal_lets_every_stream_end_and_then_all_workers(slow_two: Cluster) -> None:
    begun = await streams(slow_two, 8)
    pids = slow_two.pids()
    slow_two.send(signal.SIGTERM)
    answers = await asyncio.gather(*begun)
    assert {(answer.status_code, answer.text.endswith("data: [DONE]\n\n")) for answer in answers} == {(200, True)}
    assert await asyncio.to_thread(slow_two.ended) == 0
    assert not any(map(is_alive, pids))
    with pytest.raises(httpx.ConnectError):
        await ask_afresh(slow_two)


async def test_a_signal_to_every_process_at_once_is_a_drain_and_no_cut(slow_two: Cluster) -> None:
    begun = await streams(slow_two, 4)
    for pid in (*slow_two.pids(), slow_two.process.pid):
        os.kill(pid, signal.SIGTERM)
    assert all(answer.text.endswith("data: [DONE]\n\n") for answer in await asyncio.gather(*begun))
    assert await asyncio.to_thread(slow_two.ended) == 0


async def test_a_second_signal_ends_all_at_once(redis: RedisProcess, tmp_path: Path) -> None:
    with upstream_process(delay_s=30) as slow:
        settings = {"NEXXI_REDIS_URL": redis.url, "NEXXI_MODEL_SERVER": slow.url, "NEXXI_GRACE_S": 60}
        with cluster(tmp_path / "home", "--workers", "2", **settings) as found:
            found.wait_until_all_listen(2)
            pids = found.pids()
            begun = await streams(found, 4)
            found.send(signal.SIGTERM)
            await asyncio.sleep(0.3)
            began = time.monotonic()
            found.send(signal.SIGTERM)
            assert await asyncio.to_thread(found.ended) == 128 + signal.SIGTERM
            assert time.monotonic() - began < 6
            assert not any(map(is_alive, pids))
            await asyncio.gather(*begun, return_exceptions=True)


async def test_workers_end_when_their_parent_is_killed(three: Cluster) -> None:
    pids = three.pids()
    three.send(signal.SIGKILL)
    three.ended()
    deadline = time.monotonic() + 20
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


async def test_log_lines_of_all_workers_are_whole(three: Cluster) -> None:
    await asyncio.gather(*(ask_afresh(three, save=False) for _ in range(30)))
    await asyncio.sleep(0.2)
    _, *lines = three.log.read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines].count("RequestServed") >= 30
