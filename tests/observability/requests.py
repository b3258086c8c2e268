"""Requests as the server tells of them."""

from dataclasses import replace
from typing import Any

from nexxi_cli.core.events import RequestServed

SERVED = RequestServed("3f2a", "POST", "/v1/chat", 200, "ci", None, 1.5, 0.25, 0.5, 12, 34)


def served(**changes: Any) -> RequestServed:
    return replace(SERVED, **changes)
