"""A reply ends before its first stop string, wherever that was cut, and nothing else is held back."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.infrastructure.models.stops import StopStrings

WORDS = st.text("ab", max_size=20)
STOPS = st.lists(st.text("ab", min_size=1, max_size=4), max_size=3)


def passed_on(stops: Sequence[str], pieces: Sequence[str]) -> str:
    strings = StopStrings(stops)
    return "".join(strings.push(piece) for piece in pieces) + strings.finish()


def cut(text: str, places: Sequence[int]) -> list[str]:
    bounds = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


@pytest.mark.parametrize("place", range(len("one END two") + 1))
def test_a_stop_string_is_found_wherever_it_is_cut(place: int) -> None:
    text = "one END two"
    assert passed_on(["END"], [text[:place], text[place:]]) == "one "


@given(WORDS, st.text("ab", min_size=1, max_size=4), st.lists(st.integers(0, 20)))
def test_a_text_ends_where_its_stop_string_parts_it(text: str, stop: str, places: list[int]) -> None:
    assert passed_on([stop], cut(text, places)) == text.split(stop)[0]


@given(WORDS, STOPS, st.lists(st.integers(0, 20)))
def test_of_several_stop_strings_the_one_that_begins_first_counts(
    text: str, stops: list[str], places: list[int]
) -> None:
    assert passed_on(stops, cut(text, places)) == min((text.split(stop)[0] for stop in stops), key=len, default=text)


@given(WORDS, STOPS)
def test_only_what_may_become_a_stop_string_is_held_back(text: str, stops: list[str]) -> None:
    strings, out = StopStrings(stops), ""
    for at, char in enumerate(text, start=1):
        out += strings.push(char)
        if strings.met:
            return
        held = text[len(out) : at]
        assert not held or any(stop.startswith(held) or held.find(stop) > 0 for stop in stops)


def test_a_longer_stop_string_that_began_first_is_waited_for() -> None:
    strings = StopStrings(["abcd", "bc"])
    assert (strings.push("abc"), strings.met) == ("", False)
    assert (strings.push("x"), strings.met) == ("a", True)


def test_a_stop_string_at_the_very_end_is_met_when_the_text_is_over() -> None:
    strings = StopStrings(["abcd", "bc"])
    assert strings.push("abc") + strings.finish() == "a"
    assert strings.met


def test_nothing_follows_a_stop_string() -> None:
    strings = StopStrings(["."])
    assert [strings.push("One. "), strings.push("Two."), strings.finish()] == ["One", "", ""]
