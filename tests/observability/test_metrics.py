"""Events become metrics under the field's names, and an outage of the store moves its gauge."""

import random
import string
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from nexxi_cli import __version__
from nexxi_cli.core.errors import Overloaded, StoreUnavailable
from nexxi_cli.core.events import (
    ArchiveDown,
    ArchiveUp,
    Event,
    HistoryTrimmed,
    KeysDown,
    KeysUp,
    ModelLoaded,
    ModelServerDown,
    ModelServerUp,
    QueueChanged,
    QuotaRefused,
    ReplyFinished,
    RequestAdmitted,
    RequestFailed,
    RequestScreened,
    StoreDown,
    StoreUp,
    TurnKept,
    TurnSpooled,
    WorkerReplaced,
)
from nexxi_cli.core.types import Timing, Usage
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.observability.labels import MOST_FINDING_TYPES
from nexxi_cli.observability.metrics import MetricsObserver, exposition
from tests.observability.requests import served
from tests.redis_process import running_redis


def series_of(registry: CollectorRegistry) -> int:
    return sum(len(family.samples) for family in registry.collect())


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> MetricsObserver:
    return MetricsObserver(registry)


def test_a_reply_is_counted_with_its_tokens_and_times(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(ReplyFinished("", "smollm2-135m", "stop", Usage(7, 3), Timing(0.4, 1.4, queued_s=2.0)))
    metrics.notify(ReplyFinished("", "smollm2-135m", "length", Usage(1, 0), Timing(None, 0.1)))
    values = {
        "nexxi_time_to_first_token_seconds_count": 1,
        "nexxi_time_to_first_token_seconds_sum": 2.4,
        "nexxi_time_per_output_token_seconds_count": 1,
        "nexxi_time_per_output_token_seconds_sum": 0.5,
        "nexxi_reply_seconds_count": 2,
        "nexxi_prompt_tokens_total": 8,
        "nexxi_generation_tokens_total": 3,
    }
    assert {name: registry.get_sample_value(name) for name in values} == pytest.approx(values)
    assert registry.get_sample_value("nexxi_replies_total", {"finish": "stop"}) == 1
    assert registry.get_sample_value("nexxi_replies_total", {"finish": "interrupted"}) == 0


def test_a_served_request_is_counted_by_method_route_and_status(
    registry: CollectorRegistry, metrics: MetricsObserver
) -> None:
    metrics.notify(served(route="/v1/sessions/{session_id}", status=404, error="not_found_error"))
    metrics.notify(served(status=200))
    missing = {"method": "POST", "route": "/v1/sessions/{id}", "status": "404"}
    assert registry.get_sample_value("nexxi_http_requests_total", missing) == 1
    assert registry.get_sample_value("nexxi_errors_total", {"type": "not_found_error"}) == 1
    assert registry.get_sample_value("nexxi_http_request_duration_seconds_sum", {"route": "/v1/chat"}) == 1.5


def test_a_client_can_create_no_series(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(served(method="BREW", route="/teapot", status=299, error="odd"))
    metrics.notify(RequestFailed("", "KeyError"))
    before = series_of(registry)
    rng = random.Random(7)
    for _ in range(1000):
        word = "".join(rng.choices(string.printable, k=rng.randint(1, 40)))
        metrics.notify(served(method=word, route=f"/{word}", status=rng.choice([0, 299, 999]), error=word))
        metrics.notify(served(method=word, route=f"/v1/{{{word}}}/x", status=299, error=word))
        metrics.notify(RequestFailed("", word))
    assert series_of(registry) == before
    other = {"method": "other", "route": "other", "status": "other"}
    assert registry.get_sample_value("nexxi_http_requests_total", other) == 2001


def test_routes_of_a_server_of_its_own_can_be_named(registry: CollectorRegistry) -> None:
    metrics = MetricsObserver(registry, routes=["/v2/{what}"])
    metrics.notify(served(route="/v2/{other_name}"))
    metrics.notify(served(route="/v1/chat"))
    counted = "nexxi_http_request_duration_seconds_count"
    assert registry.get_sample_value(counted, {"route": "/v2/{id}"}) == 1
    assert registry.get_sample_value(counted, {"route": "other"}) == 1


def test_every_error_of_ours_has_a_series_of_its_own(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(served(status=503, error=Overloaded.kind))
    metrics.notify(RequestFailed("", StoreUnavailable.__name__))
    assert registry.get_sample_value("nexxi_errors_total", {"type": "overloaded_error"}) == 1
    assert registry.get_sample_value("nexxi_request_failures_total", {"kind": "StoreUnavailable"}) == 1


def test_what_the_safety_filter_says_is_counted_by_type(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(RequestScreened("", "in", allowed=False, finding_types=("EMAIL", "EMAIL", "CARD"), chars=40))
    metrics.notify(RequestScreened("", "in", allowed=True, finding_types=("CARD",), chars=40))
    metrics.notify(RequestScreened("", "in", allowed=True, finding_types=(), chars=40))
    for said in ("refused", "flagged", "clean"):
        verdict = {"direction": "in", "verdict": said}
        assert registry.get_sample_value("nexxi_safety_verdicts_total", verdict) == 1
    assert registry.get_sample_value("nexxi_safety_findings_total", {"type": "EMAIL"}) == 2


def test_a_recognizer_that_invents_types_without_end_fills_no_memory(
    registry: CollectorRegistry, metrics: MetricsObserver
) -> None:
    for number in range(1000):
        metrics.notify(RequestScreened("", "in", allowed=True, finding_types=(f"T{number}",), chars=1))
    assert registry.get_sample_value("nexxi_safety_findings_total", {"type": "other"}) == 1000 - MOST_FINDING_TYPES


def test_the_queue_and_the_quotas_are_shown(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(QueueChanged(running=2, waiting=5))
    metrics.notify(RequestAdmitted("", 0.25))
    metrics.notify(QuotaRefused("tokens"))
    assert registry.get_sample_value("nexxi_requests_running") == 2
    assert registry.get_sample_value("nexxi_requests_waiting") == 5
    assert registry.get_sample_value("nexxi_queue_time_seconds_sum") == 0.25
    assert registry.get_sample_value("nexxi_quota_refusals_total", {"limit": "tokens"}) == 1
    assert registry.get_sample_value("nexxi_quota_refusals_total", {"limit": "address"}) == 0


def test_other_events_are_counted_too(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    for event in (
        HistoryTrimmed("", 3),
        ModelLoaded("m", 2.5),
        TurnSpooled(uuid4()),
        TurnKept(new_session=True),
        TurnKept(new_session=False),
    ):
        metrics.notify(event)
    assert registry.get_sample_value("nexxi_dropped_turns_total") == 3
    assert registry.get_sample_value("nexxi_model_load_seconds") == 2.5
    assert registry.get_sample_value("nexxi_spooled_turns_total") == 1
    assert registry.get_sample_value("nexxi_sessions_begun_total") == 1
    assert registry.get_sample_value("nexxi_turns_kept_total") == 2
    assert registry.get_sample_value("nexxi_build_info", {"version": __version__}) == 1


@pytest.mark.parametrize(
    ("name", "down", "up"),
    [
        ("nexxi_session_store_up", StoreDown("x"), StoreUp(1.0, 0, 0)),
        ("nexxi_archive_up", ArchiveDown("x"), ArchiveUp(1.0)),
        ("nexxi_keys_up", KeysDown("x"), KeysUp(1.0)),
    ],
    ids=["store", "archive", "keys"],
)
def test_an_outage_moves_its_gauge(
    registry: CollectorRegistry, metrics: MetricsObserver, name: str, down: Event, up: Event
) -> None:
    assert registry.get_sample_value(name) == 1
    metrics.notify(down)
    assert registry.get_sample_value(name) == 0
    metrics.notify(up)
    assert registry.get_sample_value(name) == 1


def test_model_servers_that_are_down_and_workers_that_died_are_shown(
    registry: CollectorRegistry, metrics: MetricsObserver
) -> None:
    assert registry.get_sample_value("nexxi_model_servers_down") == 0
    metrics.notify(ModelServerDown("http://a/v1", "x", 1))
    metrics.notify(ModelServerDown("http://b/v1", "x", 2))
    metrics.notify(ModelServerUp("http://b/v1", 3.0, 1))
    assert registry.get_sample_value("nexxi_model_servers_down") == 1
    metrics.notify(WorkerReplaced("x"))
    assert registry.get_sample_value("nexxi_workers_replaced_total") == 1


def test_the_exposition_is_what_prometheus_reads(registry: CollectorRegistry, metrics: MetricsObserver) -> None:
    metrics.notify(served())
    text, content_type = exposition(registry)
    assert content_type.startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    assert families["nexxi_http_requests"].type == "counter"
    assert "process_resident_memory_bytes" in families


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
