"""The way back from an edited text to its original."""

from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.service.edits import Edit, Edited


@st.composite
def texts_with_edits(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    text = draw(st.text("abcdef", min_size=1, max_size=30))
    bounds = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    return text, [Edit(start, end, draw(st.text("XYZ", max_size=3))) for start, end in pairs]


def test_a_copied_span_leads_back_to_itself() -> None:
    edited = Edited("one <b>two</b>", [Edit(4, 7), Edit(10, 14)])
    assert edited.text == "one two"
    assert edited.original(4, 7) == (7, 10)
    assert edited.original(0, 7) == (0, 10)


def test_a_replacement_leads_back_to_all_that_it_replaced() -> None:
    edited = Edited("a &amp; b", [Edit(2, 7, "&")])
    assert edited.original(2, 3) == (2, 7)
    assert edited.original(1, 5) == (1, 9)


def test_a_text_without_edits_is_the_text() -> None:
    assert Edited("abc", []).text == "abc"


@given(texts_with_edits(), st.data())
def test_each_span_leads_back_to_a_span_that_holds_its_characters(
    case: tuple[str, list[Edit]], data: st.DataObject
) -> None:
    text, edits = case
    edited = Edited(text, edits)
    if not edited.text:
        return
    start = data.draw(st.integers(0, len(edited.text) - 1))
    end = data.draw(st.integers(start + 1, len(edited.text)))
    origin = text[slice(*edited.original(start, end))]
    assert origin
    kept = edited.text[start:end].translate(str.maketrans("", "", "XYZ"))
    letters = iter(origin)
    assert all(letter in letters for letter in kept)


@given(texts_with_edits())
def test_a_span_inside_one_copied_piece_is_the_same_text(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    edited = Edited(text, edits)
    for at, letter in enumerate(edited.text):
        if letter not in "XYZ":
            assert text[slice(*edited.original(at, at + 1))] == letter
