"""Conversations go on over a rolling restart under load: no turn is lost or doubled, and a 503 is the worst."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.programs import free_port
from tests.http.cluster import Cluster, cluster
from tests.http.conversations import conversations, progress
from tests.http.upstream_process import UpstreamProcess, upstream_process
from tests.redis_process import RedisProcess, running_redis


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    with running_redis() as server:
        yield server


@pytest.fixture
def model() -> Iterator[UpstreamProcess]:
    with upstream_process(delay_s=0.02) as server:
        yield server


@pytest.fixture
def settings(redis: RedisProcess, model: UpstreamProcess) -> dict[str, object]:
    return {
        "NEXXI_REDIS_URL": redis.url,
        "NEXXI_MODEL_SERVER": model.url,
        "NEXXI_REQUESTS_PER_MINUTE": 100_000,
        "NEXXI_GRACE_S": 10,
    }


async def test_two_replicas_are_replaced_one_after_the_other(settings: dict[str, object], tmp_path: Path) -> None:
    with ExitStack() as stack:

        def started(name: str, port: int) -> Cluster:
            return stack.enter_context(cluster(tmp_path / name, **settings | {"NEXXI_PORT": port}))

        async with asyncio.TaskGroup() as starting:
            begun = {name: starting.create_task(asyncio.to_thread(started, name, free_port())) for name in ("a", "b")}
        replicas = {name: task.result() for name, task in begun.items()}
        async with conversations(*(replica.url for replica in replicas.values())) as held:
            await progress(held)
            for name, replica in replicas.items():
                replica.send(signal.SIGTERM)
                assert await asyncio.to_thread(replica.ended) == 0
                await progress(held)
                await asyncio.to_thread(started, f"{name}-again", int(replica.url.rpartition(":")[2]))
                await progress(held)
        assert all(conversation.outcomes["refused connection"] for conversation in held)


async def test_two_workers_are_replaced_one_after_the_other(settings: dict[str, object], tmp_path: Path) -> None:
    with cluster(tmp_path / "home", "--workers", "2", **settings) as found:
        await asyncio.to_thread(found.wait_until_all_listen, 2)
        async with conversations(found.url) as held:
            await progress(held)
            for old in found.pids():
                os.kill(old, signal.SIGTERM)
                await asyncio.to_thread(found.wait_for, 2, without=old)
                await progress(held)
