"""How long ago something was."""

from datetime import timedelta

import pytest

from nexxi_cli.cli.ages import age
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
