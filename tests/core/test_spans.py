"""Spans of time, as they are written and read."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.spans import parse_span, span_text


@given(st.from_regex(r"[0-9]{1,5}[smhdw]", fullmatch=True).filter(str.isascii))
def test_what_is_read_is_written_so_that_it_is_read_as_the_same(text: str) -> None:
    assert parse_span(span_text(parse_span(text))) == parse_span(text)


def test_it_is_written_in_the_smallest_unit_that_can_hold_it() -> None:
    assert span_text(timedelta(seconds=1.5)) == "2s"
    assert span_text(timedelta(hours=2)) == "7200s"
    assert span_text(timedelta(days=3)) == "4320m"
    assert span_text(timedelta.max) == "99999w"
