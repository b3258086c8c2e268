"""Spans of time in two or three characters: how long ago something was, and what somebody asks for."""

import re
from datetime import UTC, datetime, timedelta

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import SessionInfo

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"))
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(info: SessionInfo, *, now: datetime | None = None) -> str:
    """Time since the session changed: 12s, 5m, 3h, 20d."""
    seconds = int(((now or datetime.now(UTC)) - info.updated_at).total_seconds())
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


def span(option: str, text: str) -> timedelta:
    """The time that `text`, the value of `option`, stands for: 30d, 12h, 4w. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if match is None:
        raise UsageError(f"{option} {text}: write a time such as 30d, 12h or 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
