"""What a limiter says of the slots that count."""

from fractions import Fraction

from nexxi_cli.infrastructure.limits.window import allowance

SECOND = 1_764_000_000


def test_no_time_is_too_short_by_what_a_float_loses() -> None:
    for micros in range(0, 1_000_000, 997):
        told = allowance({SECOND: 1}, SECOND + micros / 1_000_000, limit=1, amount=1, granted=False)
        now = SECOND + Fraction(micros, 1_000_000)
        for told_s in (told.retry_after_s, told.reset_s):
            assert SECOND + 61 <= now + Fraction(told_s) < SECOND + 61 + Fraction(1, 100_000)
