"""What the printed dashboard asks Prometheus."""

import json

from nexxi_cli.core.settings import Settings
from nexxi_cli.http.configs import configuration


def dashboard() -> dict[str, object]:
    found = json.loads(configuration("grafana", Settings()))
    assert isinstance(found, dict)
    return found


def queries() -> dict[str, list[str]]:
    """The expressions of each panel, by its title."""
    panels = dashboard()["panels"]
    assert isinstance(panels, list)
    return {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels if "targets" in panel}
