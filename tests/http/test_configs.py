"""The printed configurations: well-formed, of one mind with the settings, and free of secrets."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.settings import Settings
from nexxi_cli.http.configs import FILES, configuration
from nexxi_cli.observability.metrics import MetricsObserver
from tests.http.dashboard import dashboard, queries

PASSWORD = "hunter2-hunter2-hunter2"


def lines(kind: str, **settings: object) -> list[str]:
    text = configuration(kind, Settings.model_validate(settings))
    return [line.partition("    #")[0].strip() for line in text.splitlines()]


def metric_names() -> set[str]:
    """Every name under which Prometheus keeps a figure of ours."""
    registry = CollectorRegistry()
    MetricsObserver(registry)
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    return {family.name + suffix for family in registry.collect() for suffix in suffixes[family.type]}


def test_every_metric_of_the_dashboard_is_one_that_we_tell() -> None:
    named = {name for asked in queries().values() for query in asked for name in re.findall(r"\b\w+_\w+\b", query)}
    named = {name for name in named if name.startswith(("nexxi_", "process_"))}
    assert len(named) > 15
    assert named - metric_names() == set()


def test_the_dashboard_takes_its_data_source_from_a_variable() -> None:
    text = json.dumps(dashboard()["panels"])
    assert set(re.findall(r'"uid": "([^"]*)"', text)) == {"${datasource}"}


def test_the_panels_of_the_dashboard_lie_side_by_side() -> None:
    panels = dashboard()["panels"]
    assert isinstance(panels, list)
    assert len({panel["id"] for panel in panels}) == len(panels)
    for left, right in pairwise(panel["gridPos"] for panel in panels):
        assert left["x"] + left["w"] <= 24
        assert right["y"] >= left["y"] + left["h"] or right["x"] >= left["x"] + left["w"]


def test_prometheus_scrapes_where_we_listen_with_a_key_from_a_file() -> None:
    settings = Settings(host="0.0.0.0", port=8123)
    [job] = yaml.safe_load(configuration("prometheus", settings))["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8123"]}]
    assert job["authorization"] == {"credentials_file": "/etc/prometheus/nexxi_metrics_key"}


def test_prometheus_needs_no_key_for_open_metrics_and_asks_nginx_where_there_is_no_port() -> None:
    settings = Settings(uds=Path("/run/nexxi/nexxi.sock"), public_metrics=True)
    [job] = yaml.safe_load(configuration("prometheus", settings))["scrape_configs"]
    assert "authorization" not in job
    assert (job["scheme"], job["static_configs"]) == ("https", [{"targets": ["nexxi.example.com:443"]}])


@pytest.mark.parametrize(
    ("settings", "server"),
    [
        ({"host": "::", "port": 9000}, '"[::1]:9000"'),
        ({"host": "10.1.2.3"}, '"10.1.2.3:8000"'),
        ({"uds": "/run/nexxi/a b.sock", "port": 0}, '"unix:/run/nexxi/a b.sock"'),
    ],
    ids=["any-ipv6", "address", "socket"],
)
def test_nginx_reaches_us_where_we_listen(settings: dict[str, object], server: str) -> None:
    assert f"server {server};" in lines("nginx", **settings)


def test_nginx_has_our_limits() -> None:
    found = lines("nginx", max_body_bytes=5000, request_timeout_s=61.5)
    assert "client_max_body_size 5000;" in found
    assert "proxy_read_timeout 72s;" in found


def test_the_unit_waits_longer_for_the_end_than_we_do() -> None:
    found = lines("systemd", grace_s=45.5)
    assert "TimeoutStopSec=56" in found
    assert 'Environment="NEXXI_GRACE_S=45.5"' in found


def test_the_unit_allows_a_low_port_only_to_whom_needs_it() -> None:
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in lines("systemd", port=443)
    assert "AmbientCapabilities=" in lines("systemd", port=8000)


def test_a_percent_sign_stays_one_in_a_unit() -> None:
    assert 'Environment="NEXXI_UDS=/run/100%%/x"' in lines("systemd", uds="/run/100%/x")


@pytest.mark.parametrize("kind", FILES)
def test_no_secret_is_printed_and_nothing_left_to_fill_in(kind: str) -> None:
    settings = Settings.model_validate(
        {
            "api_key": PASSWORD,
            "key_secret": PASSWORD,
            "redis_url": f"redis://:{PASSWORD}@redis/0",
            "database_url": f"postgresql://nexxi:{PASSWORD}@db/nexxi",
        }
    )
    text = configuration(kind, settings)
    assert PASSWORD not in text
    assert "@@" not in text


def test_an_unknown_kind_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="'apache': choose one of prometheus, grafana, nginx, systemd, compose, k8s"):
        configuration("apache", Settings())


def test_a_port_that_is_another_one_each_time_cannot_be_printed() -> None:
    with pytest.raises(UsageError, match="--port"):
        configuration("nginx", Settings(port=0))
