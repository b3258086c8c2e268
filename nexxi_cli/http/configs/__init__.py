"""Configurations of the programs around `nexxi serve`, filled in from its own settings, for `--print-config`."""

import math
import sys
from collections.abc import Mapping
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
}

SERVER_NAME = "nexxi.example.com"
"""Stands for the server's name, which our settings do not know."""

MARGIN_S = 10
"""How much longer than we ourselves those around us wait: our own answer, or end, says more than theirs."""

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
    return _filled(kind, _values(settings))


def _compose(settings: Settings) -> str:
    """One file for all containers: the configurations of the others lie in it."""
    inside = settings.model_copy(update={"host": "nexxi", "port": settings.port or 8000, "uds": None})
    values = _values(inside, metrics_key="/run/secrets/metrics_key")
    for kind in ("nginx", "prometheus", "grafana"):
        text = _filled(kind, values).replace("$", "$$").replace(SERVER_NAME, "${NEXXI_NAME:?is missing in .env}")
        values[kind] = indent(text, "      ").rstrip("\n")
    return _filled("compose", values)


def _filled(kind: str, values: Mapping[str, str]) -> str:
    text = files(__package__).joinpath(FILES[kind]).read_text(encoding="utf-8")
    return _Template(text).substitute(values)


def _values(settings: Settings, *, metrics_key: str = METRICS_KEY) -> dict[str, str]:
    address = f"{_host(settings.host)}:{settings.port}"
    stop_s = math.ceil(settings.grace_s) + MARGIN_S
    return {
        "version": __version__,
        "server_name": SERVER_NAME,
        "upstream": f"unix:{settings.uds}" if settings.uds else address,
        "port": str(settings.port),
        "scrape_address": f"{SERVER_NAME}:443" if settings.uds else address,  # Prometheus knows no Unix sockets
        "scrape_scheme": "https" if settings.uds else "http",
        "authorization": "" if settings.public_metrics else AUTHORIZATION.format(file=metrics_key),
        "max_body_bytes": str(settings.max_body_bytes),
        "request_timeout_s": f"{settings.request_timeout_s:g}",
        "read_timeout_s": str(math.ceil(settings.request_timeout_s) + MARGIN_S),
        "grace_s": f"{settings.grace_s:g}",
        "stop_s": str(stop_s),
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
