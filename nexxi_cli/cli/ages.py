"""Spans of time in two or three characters: how long ago something was, and what somebody asks for."""

from datetime import UTC, datetime, timedelta

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.spans import parse_span
from nexxi_cli.core.types import SessionInfo

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def age(info: SessionInfo, *, now: datetime | None = None) -> str:
    """Time since the session changed: 12s, 5m, 3h, 20d."""
    return seconds_as_age(int(((now or datetime.now(UTC)) - info.updated_at).total_seconds()))


def seconds_as_age(seconds: int) -> str:
    """The same for any number of seconds."""
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


def span(option: str, text: str) -> timedelta:
    """The time that `text`, the value of `option`, stands for: 30d, 12h, 4w. Raises UsageError."""
    try:
        return parse_span(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from error
