"""Spans of time as people write them: 30d, 12h, 4w."""

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str) -> timedelta:
    """The time that `text` stands for. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,5})([smhdw])", text)
    if match is None:
        raise ValueError("write a time such as 30d, 12h or 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
