"""Words and snippets. That they find what they should: see contracts/test_archive_search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.archived import MATCH_END, MATCH_START
from nexxi_cli.infrastructure.archive.words import (
    LEAD_CHARS,
    QUERY_WORDS,
    SNIPPET_CHARS,
    TEXT_BYTES,
    TEXT_WORDS,
    phrases_of,
    snippet_of,
    words_of,
)

FILLER = "lorem ipsum " * 200


def snippet(query: str, *texts: str) -> str:
    return snippet_of(texts, phrases_of(query)).replace(MATCH_START, "[").replace(MATCH_END, "]")


@given(st.text())
def test_words_are_of_letters_and_digits_only(text: str) -> None:
    assert all(word.isalnum() for word in words_of(text))


@given(st.lists(st.text(max_size=9), max_size=9, unique=True))
def test_what_is_asked_for_is_made_of_the_words_that_a_text_is_made_of(texts: list[str]) -> None:
    query = " ".join(texts)
    assert {word for phrase in phrases_of(query) for word in phrase} == set(words_of(query)[:QUERY_WORDS])


def test_what_is_joined_has_to_stand_together() -> None:
    assert phrases_of("foo.bar baz 世界 foo.bar") == [("foo", "bar"), ("baz",), ("世", "界")]


def test_a_text_has_no_more_words_than_a_database_can_hold() -> None:
    assert len(words_of("a " * 20_000, "b " * 20_000)) == 2 * TEXT_WORDS
    assert len("".join(words_of(("\U00010428" * 63 + " ") * 9000)).encode()) <= TEXT_BYTES


def test_a_short_text_is_shown_whole() -> None:
    assert snippet("MONAD burrito", "What is a Monad?\n\n  A burrito.") == "What is a [Monad]? A [burrito]."


def test_a_long_text_is_cut_between_words_around_the_match() -> None:
    shown = snippet("monad", f"{FILLER}A monad is a burrito. {FILLER}")
    assert "A [monad] is a burrito." in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert {word.strip("…") for word in shown.split()} <= {"lorem", "ipsum", "A", "[monad]", "is", "a", "burrito."}
    assert len(shown) <= SNIPPET_CHARS + LEAD_CHARS


def test_the_text_and_the_place_with_most_of_the_words_are_shown() -> None:
    assert snippet("monad burrito", f"monad {FILLER}", f"burrito {FILLER} a monad, a burrito").endswith(
        "a [monad], a [burrito]"
    )


def test_a_phrase_is_marked_as_a_whole_and_only_where_it_stands() -> None:
    assert snippet("foo.bar", "bar foo, foo bar") == "bar foo, [foo bar]"


def test_marks_of_the_text_itself_are_left_out() -> None:
    assert snippet("monad", f"{MATCH_END}monad{MATCH_START} x") == "[monad] x"


@pytest.mark.parametrize("text", ["x" * 3000, "monad" + "x" * 3000, "é" * 3000])
def test_a_text_without_blanks_is_cut_anywhere(text: str) -> None:
    assert len(snippet("monad", f"monad,{text}")) <= SNIPPET_CHARS + LEAD_CHARS


@given(st.lists(st.sampled_from(["monad", "foo.bar", " ", "\n", "é", "世界", "x" * 50]), max_size=40))
def test_a_snippet_is_a_piece_of_its_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    shown = snippet_of([text], phrases_of("monad foo.bar 世界"))
    plain = shown.replace(MATCH_START, "").replace(MATCH_END, "").strip("…")
    assert plain.strip() in " ".join(text.split())
    assert shown.count(MATCH_START) == shown.count(MATCH_END)
