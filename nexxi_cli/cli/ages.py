"""How long ago something was, in two or three characters."""

from datetime import UTC, datetime

from nexxi_cli.core.types import SessionInfo

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def age(info: SessionInfo, *, now: datetime | None = None) -> str:
    """Time since the session changed: 12s, 5m, 3h, 20d."""
    seconds = int(((now or datetime.now(UTC)) - info.updated_at).total_seconds())
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"
