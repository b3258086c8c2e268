"""Events become metrics under the field's names, and an outage of the store moves its gauge."""

from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.core.events import (
    ArchiveDown,
    ArchiveUp,
    HistoryTrimmed,
    ModelLoaded,
    ReplyFinished,
    RequestFailed,
    RequestScreened,
    TurnSpooled,
)
from nexxi_cli.core.types import Timing, Usage
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.observability.metrics import MetricsObserver
from tests.redis_process import running_redis


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> MetricsObserver:
    return MetricsObserver(registry)


def test_a_reply_is_counted_with_its_tokens_and_times(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(ReplyFinished("", "smollm2-135m", "stop", Usage(7, 3), Timing(0.4, 1.5)))
    metrics.notify(ReplyFinished("", "smollm2-135m", "length", Usage(1, 0), Timing(None, 0.1)))
    values = {
        "nexxi_first_token_seconds_count": 1,
        "nexxi_first_token_seconds_sum": 0.4,
        "nexxi_reply_seconds_count": 2,
    }
    assert {name: registry.get_sample_value(name) for name in values} == values
    assert registry.get_sample_value("nexxi_replies_total", {"finish": "stop"}) == 1
    assert registry.get_sample_value("nexxi_tokens_total", {"direction": "prompt"}) == 8
    assert registry.get_sample_value("nexxi_tokens_total", {"direction": "completion"}) == 3


def test_what_the_safety_filter_says_is_counted_by_type(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(RequestScreened("", "in", allowed=False, finding_types=("EMAIL", "EMAIL", "CARD"), chars=40))
    metrics.notify(RequestScreened("", "in", allowed=True, finding_types=(), chars=40))
    assert registry.get_sample_value("nexxi_refusals_total") == 1
    assert registry.get_sample_value("nexxi_findings_total", {"type": "EMAIL"}) == 2


def test_other_events_are_counted_too(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    for event in (
        RequestFailed("", "NotFound"),
        HistoryTrimmed("", 3),
        ModelLoaded("m", 2.5),
        TurnSpooled(uuid4()),
        ArchiveDown("x"),
    ):
        metrics.notify(event)
    assert registry.get_sample_value("nexxi_request_failures_total", {"kind": "NotFound"}) == 1
    assert registry.get_sample_value("nexxi_dropped_turns_total") == 3
    assert registry.get_sample_value("nexxi_model_load_seconds") == 2.5
    assert registry.get_sample_value("nexxi_spooled_turns_total") == 1
    assert registry.get_sample_value("nexxi_archive_up") == 0
    metrics.notify(ArchiveUp(1.0))
    assert registry.get_sample_value("nexxi_archive_up") == 1


async def test_the_gauge_of_the_store_follows_a_real_outage(
    registry: CollectorRegistry, metrics: MetricsObserver, tmp_path: Path
) -> None:
    with running_redis() as redis:
        inner = RedisSessionStore(redis.url, ttl_s=None)
        store = SpoolingSessionStore(inner, Spool(tmp_path / "spool.db", place=inner.place), metrics)
        await store.recent("ada", limit=1)
        assert registry.get_sample_value("nexxi_session_store_up") == 1
        redis.kill()
        with pytest.raises(StoreUnavailable):
            await store.recent("ada", limit=1)
        assert registry.get_sample_value("nexxi_session_store_up") == 0
        redis.start()
        await store.recent("ada", limit=1)
        assert registry.get_sample_value("nexxi_session_store_up") == 1
        await store.aclose()
