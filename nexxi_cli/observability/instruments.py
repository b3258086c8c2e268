"""The counters, gauges and histograms: for each noun a function that registers them and says which event moves them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from nexxi_cli import __version__
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
    QuotaLimit,
    QuotaRefused,
    ReplyFinished,
    RequestAdmitted,
    RequestFailed,
    RequestScreened,
    RequestServed,
    StoreDown,
    StoreUp,
    TurnKept,
    TurnSpooled,
    WorkerReplaced,
)
from nexxi_cli.observability.labels import (
    DIRECTIONS,
    FINISHES,
    METHODS,
    OTHER,
    STATUSES,
    VERDICTS,
    FindingTypes,
    Routes,
    error_names,
    error_types,
    known,
    verdict,
)

Instruments = Mapping[type[Event], Callable[[Any], None]]

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Up to the deadline that a request has by default."""

REQUEST_SECONDS = (0.005, 0.01, 0.025, *SECONDS)
QUEUE_SECONDS = (0.001, 0.01, *SECONDS)
TOKEN_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)


def build_info(registry: CollectorRegistry) -> None:
    """Which version this is. A gauge, as several processes cannot share an Info."""
    gauge = Gauge("nexxi_build_info", "Always 1.", ["version"], registry=registry, multiprocess_mode="max")
    gauge.labels(__version__).set(1)


def count_requests(registry: CollectorRegistry, routes: Routes) -> Instruments:
    """Requests over HTTP, and the quotas that refused some."""
    requests = Counter("nexxi_http_requests", "Requests over HTTP.", ["method", "route", "status"], registry=registry)
    durations = Histogram(
        "nexxi_http_request_duration_seconds",
        "From the request to the last byte of its answer.",
        ["route"],
        buckets=REQUEST_SECONDS,
        registry=registry,
    )
    errors = Counter("nexxi_errors", "Requests that an error answered, by its type.", ["type"], registry=registry)
    refusals = _counter(registry, "nexxi_quota_refusals", "Requests over a limit.", "limit", get_args(QuotaLimit))
    types = error_types()

    def served(event: RequestServed) -> None:
        route = routes.label(event.route)
        status = str(event.status) if event.status in STATUSES else OTHER
        requests.labels(known(event.method, METHODS), route, status).inc()
        durations.labels(route).observe(event.seconds)
        if event.error is not None:
            errors.labels(known(event.error, types)).inc()

    def refused(event: QuotaRefused) -> None:
        refusals.labels(known(event.limit, get_args(QuotaLimit))).inc()

    return {RequestServed: served, QuotaRefused: refused}


def gauge_queue(registry: CollectorRegistry) -> Instruments:
    """Requests for a reply on their way through the queue."""
    running = _gauge(registry, "nexxi_requests_running", "Requests that are being answered.", "livesum")
    waiting = _gauge(registry, "nexxi_requests_waiting", "Requests that wait for a place.", "livesum")
    queued = _histogram(registry, "nexxi_queue_time_seconds", "Until a request had its place.", QUEUE_SECONDS)

    def changed(event: QueueChanged) -> None:
        running.set(event.running)
        waiting.set(event.waiting)

    def admitted(event: RequestAdmitted) -> None:
        queued.observe(event.seconds)

    return {QueueChanged: changed, RequestAdmitted: admitted}


def count_replies(registry: CollectorRegistry) -> Instruments:
    """Replies, what they cost, and the model that gives them."""
    replies = _counter(registry, "nexxi_replies", "Replies, by how they ended.", "finish", FINISHES)
    failures = Counter(
        "nexxi_request_failures", "Requests without a whole reply, by the error's name.", ["kind"], registry=registry
    )
    read = Counter("nexxi_prompt_tokens", "Tokens of prompts.", registry=registry)
    written = Counter("nexxi_generation_tokens", "Tokens of replies.", registry=registry)
    first = _histogram(
        registry, "nexxi_time_to_first_token_seconds", "Until the first token, the queue included.", SECONDS
    )
    each = _histogram(
        registry, "nexxi_time_per_output_token_seconds", "Between two tokens, a reply's mean.", TOKEN_SECONDS
    )
    total = _histogram(registry, "nexxi_reply_seconds", "Until the last token, the queue excluded.", SECONDS)
    loading = _gauge(registry, "nexxi_model_load_seconds", "How long the model took to load.", "max")
    names = error_names()

    def finished(event: ReplyFinished) -> None:
        timing, tokens = event.timing, event.usage.completion_tokens
        replies.labels(known(event.finish, FINISHES)).inc()
        read.inc(event.usage.prompt_tokens)
        written.inc(tokens)
        total.observe(timing.total_s)
        if timing.first_token_s is not None:
            first.observe(timing.queued_s + timing.first_token_s)
            if tokens > 1:
                each.observe((timing.total_s - timing.first_token_s) / (tokens - 1))

    def failed(event: RequestFailed) -> None:
        failures.labels(known(event.kind, names)).inc()

    def loaded(event: ModelLoaded) -> None:
        loading.set(event.seconds)

    return {ReplyFinished: finished, RequestFailed: failed, ModelLoaded: loaded}


def count_safety(registry: CollectorRegistry) -> Instruments:
    """What the safety filter said, and what it found."""
    verdicts = Counter(
        "nexxi_safety_verdicts", "Texts that the safety filter judged.", ["direction", "verdict"], registry=registry
    )
    for said in VERDICTS:
        verdicts.labels("in", said)
    findings = Counter("nexxi_safety_findings", "What the safety filter found.", ["type"], registry=registry)
    types = FindingTypes()

    def screened(event: RequestScreened) -> None:
        said = verdict(allowed=event.allowed, finding_types=event.finding_types)
        verdicts.labels(known(event.direction, DIRECTIONS), said).inc()
        for found in event.finding_types:
            findings.labels(types.label(found)).inc()

    return {RequestScreened: screened}


def count_sessions(registry: CollectorRegistry) -> Instruments:
    """Sessions and turns, as they are kept."""
    begun = Counter("nexxi_sessions_begun", "Sessions whose first turn was kept.", registry=registry)
    kept = Counter("nexxi_turns_kept", "Turns that were kept in a session.", registry=registry)
    spooled = Counter("nexxi_spooled_turns", "Turns kept here while the store was down.", registry=registry)
    dropped = Counter("nexxi_dropped_turns", "Turns left out of prompts.", registry=registry)

    def turn_kept(event: TurnKept) -> None:
        kept.inc()
        if event.new_session:
            begun.inc()

    def turn_spooled(_: TurnSpooled) -> None:
        spooled.inc()

    def trimmed(event: HistoryTrimmed) -> None:
        dropped.inc(event.dropped_turns)

    return {TurnKept: turn_kept, TurnSpooled: turn_spooled, HistoryTrimmed: trimmed}


def gauge_dependencies(registry: CollectorRegistry) -> Instruments:
    """What we need: 1 while it answers, and from the start. Of several processes, 0 if one finds it down."""
    instruments: dict[type[Event], Callable[[Any], None]] = {}
    for name, help_text, down, up in (
        ("nexxi_session_store_up", "Whether the session store (Redis, or a file) answers.", StoreDown, StoreUp),
        ("nexxi_archive_up", "Whether the archive (the database) takes turns.", ArchiveDown, ArchiveUp),
        ("nexxi_keys_up", "Whether the keys can be read.", KeysDown, KeysUp),
    ):
        gauge = _gauge(registry, name, help_text, "livemin")
        gauge.set(1)
        instruments[down] = _setting(gauge, 0)
        instruments[up] = _setting(gauge, 1)
    return instruments


def count_workers(registry: CollectorRegistry) -> Instruments:
    """The processes around the model: servers that run it, and workers that had to be replaced."""
    down = _gauge(registry, "nexxi_model_servers_down", "Model servers that do not answer.", "livemax")
    replaced = Counter("nexxi_workers_replaced", "Workers that had died.", registry=registry)

    def changed(event: ModelServerDown | ModelServerUp) -> None:
        down.set(event.down)

    def worker_replaced(_: WorkerReplaced) -> None:
        replaced.inc()

    return {ModelServerDown: changed, ModelServerUp: changed, WorkerReplaced: worker_replaced}


def _setting(gauge: Gauge, value: int) -> Callable[[object], None]:
    return lambda _: gauge.set(value)


def _counter(registry: CollectorRegistry, name: str, help_text: str, label: str, values: Collection[str]) -> Counter:
    """A counter whose series are there from the start, so that the first increase is one."""
    counter = Counter(name, help_text, [label], registry=registry)
    for value in values:
        counter.labels(value)
    return counter


def _gauge(
    registry: CollectorRegistry, name: str, help_text: str, mode: Literal["livesum", "livemin", "livemax", "max"]
) -> Gauge:
    """`mode`: what the gauges of several processes come to."""
    return Gauge(name, help_text, registry=registry, multiprocess_mode=mode)


def _histogram(registry: CollectorRegistry, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, help_text, buckets=buckets, registry=registry)
