"""A process that serves a few requests: counts them, says so, and waits until its standard input ends."""

import sys

from prometheus_client import CollectorRegistry

from nexxi_cli.core.events import KeysDown, ModelLoaded, QueueChanged, ReplyFinished
from nexxi_cli.core.types import Timing, Usage
from nexxi_cli.observability.metrics import MetricsObserver, exposition
from tests.observability.requests import served

requests, seconds = int(sys.argv[1]), float(sys.argv[2])
registry = CollectorRegistry()
metrics = MetricsObserver(registry)
for _ in range(requests):
    metrics.notify(served())
    metrics.notify(ReplyFinished("", "m", "stop", Usage(5, 2), Timing(0.5, 1.0)))
metrics.notify(QueueChanged(running=requests, waiting=1))
metrics.notify(ModelLoaded("m", seconds))
if requests > 2:
    metrics.notify(KeysDown("x"))
print("ready", flush=True)
for _ in sys.stdin:
    sys.stdout.write(exposition(registry)[0].decode() + "# EOF\n")
    sys.stdout.flush()
