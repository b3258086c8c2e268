"""Configurations of the programs around `nexxi serve`, filled in from its own settings, for `--print-config`."""

import math
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from textwrap import indent

from nexxi_cli import __version__
from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.settings import Settings

FILES: Mapping[str, str] = {
    "prometheus": "prometheus.yml",
    "grafana": "grafana.json",
    "nginx": "nginx.conf",
    "systemd": "nexxi.service",
    "compose": "compose.yaml",
    "k8s": "k8s.yaml",
}

SERVER_NAME = "nexxi.example.com"
"""Stands for the server's name, which our settings do not know."""

MARGIN_S = 10
"""How much longer than we ourselves those around us wait: our own answer, or end, says more than theirs."""

LEAVE_S = 5
"""How long it takes Kubernetes to tell everyone that a pod is about to end."""

SHARED_MODEL = 16
"""Replies at a time before a model server, which computes many together; our default is for a model in the process."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - named, not listened on

METRICS_KEY = "/etc/prometheus/nexxi_metrics_key"
AUTHORIZATION = """\
    authorization:    # a key of scope metrics, alone in a file that only Prometheus can read
      credentials_file: {file}
"""


class _Template(Template):
    """`@@{name}`: a dollar or a single at sign means something to the programs that read the files."""

    delimiter = "@@"


def configuration(kind: str, settings: Settings) -> str:
    """The configuration of one program, ready to be saved. It holds no secret.

    Raises UsageError for an unknown kind, and for port 0, which is another one at each start.
    """
    if kind not in FILES:
        raise UsageError(f"there is no configuration {kind!r}: choose one of {', '.join(FILES)}")
    if settings.port == 0 and settings.uds is None:
        raise UsageError("port 0 is another one at each start: a configuration needs a fixed one (--port)")
    if kind == "compose":
        return _compose(settings)
    if kind == "k8s":
        return _filled(kind, _values(_in_container(settings)))
    return _filled(kind, _values(settings))


def _compose(settings: Settings) -> str:
    """One file for all containers: the configurations of the others lie in it."""
    inside = _in_container(settings)
    values = _values(inside, hosts=("nexxi-1", "nexxi-2"), metrics_key="/run/secrets/metrics_key")
    for kind in ("nginx", "prometheus", "grafana"):
        text = _filled(kind, values).replace("$", "$$").replace(SERVER_NAME, "${NEXXI_NAME:?is missing in .env}")
        values[kind] = indent(text, "      ").rstrip("\n")
    return _filled("compose", values)


def _in_container(settings: Settings) -> Settings:
    """The settings of a server that has a machine to itself: others reach it by its name, at a port."""
    return settings.model_copy(update={"port": settings.port or 8000, "uds": None})


def _filled(kind: str, values: Mapping[str, str]) -> str:
    text = files(__package__).joinpath(FILES[kind]).read_text(encoding="utf-8")
    return _Template(text).substitute(values)


def _values(settings: Settings, *, hosts: Sequence[str] = (), metrics_key: str = METRICS_KEY) -> dict[str, str]:
    """What the files leave open. `hosts`: the servers' names, if they are not on this machine."""
    addresses = [f"{host}:{settings.port}" for host in hosts or [_host(settings.host)]]
    upstreams = [f"unix:{settings.uds}"] if settings.uds else addresses
    targets = [f"{SERVER_NAME}:443"] if settings.uds else addresses  # Prometheus knows no Unix sockets
    stop_s = math.ceil(settings.grace_s) + MARGIN_S
    return {
        "version": __version__,
        "server_name": SERVER_NAME,
        "upstreams": "\n".join(f'    server "{upstream}";' for upstream in upstreams),
        "port": str(settings.port),
        "scrape_targets": ", ".join(f'"{target}"' for target in targets),
        "scrape_scheme": "https" if settings.uds else "http",
        "authorization": "" if settings.public_metrics else AUTHORIZATION.format(file=metrics_key),
        "max_body_bytes": str(settings.max_body_bytes),
        "request_timeout_s": f"{settings.request_timeout_s:g}",
        "read_timeout_s": str(math.ceil(settings.request_timeout_s) + MARGIN_S),
        "max_concurrent": str(
            settings.max_concurrent if "max_concurrent" in settings.model_fields_set else SHARED_MODEL
        ),
        "forwarded_allow_ips": settings.forwarded_allow_ips,
        "grace_s": f"{settings.grace_s:g}",
        "stop_s": str(stop_s),
        "k8s_leave_s": str(LEAVE_S),
        "k8s_stop_s": str(stop_s + LEAVE_S),
        "program": str(Path(sys.executable).with_name("nexxi")).replace("%", "%%"),
        "environment": "\n".join(_environment(settings)),
        "capabilities": "CAP_NET_BIND_SERVICE" if settings.port < 1024 and not settings.uds else "",
    }


def _host(host: str) -> str:
    """Where the host is reached from this machine, as it stands before a port."""
    reached = EVERYWHERE.get(host, host)
    return f"[{reached}]" if ":" in reached else reached


def _environment(settings: Settings) -> list[str]:
    """Settings as lines of a unit: those that the unit itself, or nginx, has to agree with."""
    place = {"UDS": settings.uds} if settings.uds else {"HOST": settings.host, "PORT": settings.port}
    values = {
        **place,
        "GRACE_S": f"{settings.grace_s:g}",
        "MAX_BODY_BYTES": settings.max_body_bytes,
        "REQUEST_TIMEOUT_S": f"{settings.request_timeout_s:g}",
    }
    return [f'Environment="NEXXI_{name}={str(value).replace("%", "%%")}"' for name, value in values.items()]
