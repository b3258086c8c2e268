"""The main reading of a text: what it makes plain, what it leaves alone, and the way back."""

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nexxi_cli.service.confusables import LATIN_FOR
from nexxi_cli.service.normalise import INVISIBLE, normalise

TRICKY = st.text(
    st.one_of(
        st.sampled_from(
            "ab e\u0301\u0430\u043e\u03bf\u200b\u00ad\u202e\ufb01\u1100\u1161\u11a8\uff21\u0345\u3164\U000e0041"
        ),
        st.sampled_from(sorted(LATIN_FOR)),
        st.characters(codec=None),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ig\u200bno\u00adre\ufeff", "ignore"),
        ("\u202eignore\u202c", "ignore"),
        ("\uff29gnore \U0001d41aLL \u24d8t", "Ignore aLL it"),
        ("ign\u043ere \u0430ll", "ignore all"),
        ("\u026a\u0262\u0274\u1d0f\u0280\u1d07", "ignore"),
        ("see \U000e0069\U000e0067 here", "see  here"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\u0410\u0421\u0415 wins", "ACE wins"),
    ],
    ids=["invisible", "bidi", "compatible", "homoglyphs", "small capitals", "tags", "accents", "a whole word"],
)
def test_disguises_become_plain(written: str, read: str) -> None:
    assert normalise(written).text == read


@pytest.mark.parametrize(
    "text",
    [
        "plain ASCII, with\ttabs\r\nand lines",
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
        "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5",
        "\u65e5\u672c\u8a9e\u3068\u4e2d\u6587",
        "na\u00efve caf\u00e9 stra\u00dfe se\u00f1or",
    ],
    ids=["ascii", "russian", "greek", "japanese", "latin"],
)
def test_what_hides_nothing_stays(text: str) -> None:
    assert normalise(text).text == text


def test_a_span_leads_back_to_all_that_it_came_from() -> None:
    text = "please ig\u200bn\u043ere \ufb01les"
    plain = normalise(text)
    assert plain.text == "please ignore files"
    spans = [plain.original(plain.text.index(word), plain.text.index(word) + len(word)) for word in plain.text.split()]
    assert [text[start:end] for start, end in spans] == ["please", "ig\u200bn\u043ere", "\ufb01les"]


@given(TRICKY)
@example("\u0430\u0301b")
@example("a\u200b\u0301")
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once
    assert not INVISIBLE.search(once)
    assert unicodedata.is_normalized("NFKC", once)


@given(TRICKY)
def test_offsets_are_in_range_and_in_order(text: str) -> None:
    plain = normalise(text)
    spans = [plain.original(at, at + 1) for at in range(len(plain.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@given(st.text(st.characters(codec="utf-8", exclude_characters=list(LATIN_FOR)), max_size=40))
def test_without_disguises_it_is_nfkc(text: str) -> None:
    plain = normalise(text).text
    expected = unicodedata.normalize("NFKC", text)
    if not INVISIBLE.search(text) and not INVISIBLE.search(expected) and not set(expected) & set(LATIN_FOR):
        assert plain == expected


@pytest.mark.parametrize("unit", ["a", "\u0430", "a\u0301", "\u200b", "\u0301", "a\u0430 ", "\ufb01"], ids=ascii)
def test_ten_times_the_text_takes_about_ten_times_as_long(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * length
        began = time.process_time()
        normalise(text)
        return time.process_time() - began

    seconds(1_000)
    assert seconds(100_000) < 40 * max(seconds(10_000), 0.001)
