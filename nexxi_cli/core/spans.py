"""Spans of time as people write them: 30d, 12h, 4w."""

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST = 99_999


def parse_span(text: str) -> timedelta:
    """The time that `text` stands for. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,5})([smhdw])", text)
    if match is None:
        raise ValueError("write a time such as 30d, 12h or 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def span_text(span: timedelta) -> str:
    """What `parse_span` reads as this time, or as the next longer one that can be written."""
    for unit, name in _UNITS.items():
        count = -(span // -timedelta(**{name: 1}))  # rounded up
        if count <= _MOST:
            return f"{count}{unit}"
    return f"{_MOST}w"
