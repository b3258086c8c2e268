"""Events as Prometheus metrics. Names follow prometheus.io/docs/practices/naming; labels come from closed sets."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from nexxi_cli.core.events import (
    ArchiveDown,
    ArchiveUp,
    Event,
    HistoryTrimmed,
    ModelLoaded,
    ReplyFinished,
    RequestFailed,
    RequestScreened,
    StoreDown,
    StoreUp,
    TurnSpooled,
)

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class MetricsObserver:
    """Counts what it hears of in `registry`, which whoever serves it hands in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        store_up = Gauge("nexxi_session_store_up", "Whether the session store answers.", registry=registry)
        archive_up = Gauge("nexxi_archive_up", "Whether the archive takes turns.", registry=registry)
        self._outages: dict[type[Event], tuple[Gauge, int]] = {
            StoreDown: (store_up, 0),
            StoreUp: (store_up, 1),
            ArchiveDown: (archive_up, 0),
            ArchiveUp: (archive_up, 1),
        }
        self._spooled = Counter("nexxi_spooled_turns", "Turns kept here while the store was down.", registry=registry)
        self._replies = Counter("nexxi_replies", "Replies, by how they ended.", ["finish"], registry=registry)
        self._failures = Counter("nexxi_request_failures", "Requests without a reply.", ["kind"], registry=registry)
        self._tokens = Counter("nexxi_tokens", "Tokens read and written.", ["direction"], registry=registry)
        self._refusals = Counter("nexxi_refusals", "Texts that the safety filter refused.", registry=registry)
        self._findings = Counter("nexxi_findings", "What the safety filter found.", ["type"], registry=registry)
        self._dropped = Counter("nexxi_dropped_turns", "Turns left out of prompts.", registry=registry)
        self._first_token = Histogram(
            "nexxi_first_token_seconds", "Until the first token.", buckets=SECONDS, registry=registry
        )
        self._total = Histogram("nexxi_reply_seconds", "Until the last token.", buckets=SECONDS, registry=registry)
        self._loading = Gauge("nexxi_model_load_seconds", "How long the model took to load.", registry=registry)
        store_up.set(1)
        archive_up.set(1)

    def notify(self, event: Event) -> None:
        """Count `event`."""
        if type(event) in self._outages:
            gauge, level = self._outages[type(event)]
            gauge.set(level)
        match event:
            case TurnSpooled():
                self._spooled.inc()
            case ReplyFinished():
                self._finished(event)
            case RequestFailed(kind=kind):
                self._failures.labels(kind=kind).inc()
            case RequestScreened(allowed=allowed, finding_types=types):
                self._refusals.inc(0 if allowed else 1)
                for found in types:
                    self._findings.labels(type=found).inc()
            case HistoryTrimmed(dropped_turns=turns):
                self._dropped.inc(turns)
            case ModelLoaded(seconds=seconds):
                self._loading.set(seconds)

    def _finished(self, event: ReplyFinished) -> None:
        self._replies.labels(finish=event.finish).inc()
        self._tokens.labels(direction="prompt").inc(event.usage.prompt_tokens)
        self._tokens.labels(direction="completion").inc(event.usage.completion_tokens)
        self._total.observe(event.timing.total_s)
        if event.timing.first_token_s is not None:
            self._first_token.observe(event.timing.first_token_s)
