"""How long ago something was, and spans that are asked for."""

from datetime import timedelta

import pytest

from nexxi_cli.cli.ages import age, span
from nexxi_cli.core.errors import UsageError
from tests.cli.examples import NOON, a_session


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3_599, "59m"),
        (3_600, "1h"),
        (86_399, "23h"),
        (86_400 * 20, "20d"),
    ],
)
def test_an_age_is_in_its_largest_unit(seconds: int, shown: str) -> None:
    assert age(a_session().info, now=NOON + timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(("text", "minutes"), [("0m", 0), ("90m", 90), ("12h", 720), ("30d", 43_200), ("4w", 40_320)])
def test_a_span_is_a_number_and_a_unit(text: str, minutes: int) -> None:
    assert span("--expires", text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5h", "30 d", "3y", "123456d", "1d\n"])
def test_what_is_no_span_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"(?s)^--expires .*write a time such as 30d"):
        span("--expires", text)
