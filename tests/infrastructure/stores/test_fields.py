"""The text forms of a session's fields."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.infrastructure.stores.fields import TITLE_CHARS, id_start, time_text, title_of


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_time_reads_back_as_it_was(moment: datetime) -> None:
    assert datetime.fromisoformat(time_text(moment)) == moment


def test_a_time_is_written_in_utc_and_at_full_width() -> None:
    abroad = datetime(2026, 1, 2, 3, 0, tzinfo=timezone(timedelta(hours=9)))
    assert time_text(abroad) == "2026-01-01T18:00:00.000000+00:00"


@given(st.text())
def test_a_title_is_one_short_line_or_none(question: str) -> None:
    title = title_of(question)
    assert title is None or (0 < len(title) <= TITLE_CHARS and len(title.splitlines()) == 1)


@given(st.uuids(), st.integers(1, 32))
def test_the_first_digits_of_an_id_are_its_start(session_id: UUID, digits: int) -> None:
    start = id_start(session_id.hex[:digits])
    assert start is not None
    assert str(session_id).startswith(start)


@pytest.mark.parametrize("reference", ["", "-", "xyz", "0" * 33, "12 34", "１２３４"])  # noqa: RUF001 - wide digits
def test_what_is_no_hexadecimal_number_starts_no_id(reference: str) -> None:
    assert id_start(reference) is None
