"""What the filter says of a text: layers, modes, offsets in the original."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import Refused
from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.settings import Mode
from nexxi_cli.core.types import Finding, Verdict
from nexxi_cli.service.safety import SafetyFilter
from tests.service.screening import TEXTS, a_filter

MAIL = "Mail ada@example.com, or call +44 20 7946 0958."
PAGE = '<p class="x">Mail ada<b></b>@example.com</p> or x@example.org'


class WordRecognizer:
    """Finds given words, each as the type and with the confidence that the test wants."""

    max_chars = 20

    def __init__(self, **words: tuple[str, float]) -> None:
        self._words = words
        self.types = frozenset(type_ for type_, _ in words.values())

    def find(self, text: str, start: int = 0) -> list[Finding]:
        places = ((word, text.find(word, start), *kind) for word, kind in self._words.items())
        return [
            Finding(at, at + len(word), type_, confidence, "word") for word, at, type_, confidence in places if at >= 0
        ]

    def open_from(self, text: str, start: int) -> int:
        return start


def verdict_of(text: str, *recognizers: Recognizer) -> Verdict:
    return SafetyFilter(recognizers, "off", "redact", None).check(text)


def test_personal_data_becomes_placeholders() -> None:
    verdict = a_filter().check(MAIL)
    assert verdict.text == "Mail <EMAIL>, or call <PHONE>."
    assert verdict.allowed
    assert [MAIL[finding.start : finding.end] for finding in verdict.findings] == [
        "ada@example.com",
        "+44 20 7946 0958",
    ]


def test_observe_reports_and_changes_nothing() -> None:
    verdict = a_filter(html="observe", pii="observe").check(PAGE)
    assert (verdict.text, verdict.allowed) == (PAGE, True)
    assert {finding.type for finding in verdict.findings} == {"HTML", "EMAIL"}


@pytest.mark.parametrize(("html", "pii"), [("off", "off"), ("off", "observe"), ("observe", "off")])
def test_off_does_not_look(html: Mode, pii: Mode) -> None:
    verdict = a_filter(html=html, pii=pii).check("<b>x</b> ada@example.com")
    assert verdict.text == "<b>x</b> ada@example.com"
    assert {finding.type for finding in verdict.findings} == (
        ({"HTML"} if html != "off" else set()) | ({"EMAIL"} if pii != "off" else set())
    )


def test_block_disallows_and_lets_no_data_go_on_either() -> None:
    verdict = a_filter(pii="block").check(MAIL)
    assert not verdict.allowed
    assert verdict.text == "Mail <EMAIL>, or call <PHONE>."


def test_data_parted_by_markup_is_found_and_its_span_is_the_original_s() -> None:
    verdict = a_filter(html="redact").check(PAGE)
    assert verdict.text == "Mail <EMAIL>\n or <EMAIL>"
    spans = [PAGE[finding.start : finding.end] for finding in verdict.findings if finding.type == "EMAIL"]
    assert spans == ["ada<b></b>@example.com", "x@example.org"]


def test_html_that_is_only_observed_hides_no_data_in_it() -> None:
    page = '<a href="mailto:ada@example.com">Ada</a>'
    assert a_filter(html="observe").check(page).text == '<a href="mailto:<EMAIL>">Ada</a>'


def test_of_two_findings_the_longer_names_the_place() -> None:
    words = WordRecognizer(ada=("NAME", 0.9), adamant=("WORD", 0.1))
    assert verdict_of("be adamant", words).text == "be <WORD>"


def test_of_two_findings_as_long_the_more_confident_names_the_place() -> None:
    verdict = verdict_of("ada", WordRecognizer(ada=("NAME", 0.5)), WordRecognizer(ada=("LANGUAGE", 0.6)))
    assert verdict.text == "<LANGUAGE>"


def test_of_two_findings_that_overlap_nothing_shows_through() -> None:
    verdict = verdict_of("lovelace x", WordRecognizer(lovelac=("NAME", 0.5), lace=("CLOTH", 0.9)))
    assert verdict.text == "<NAME> x"


def test_findings_that_touch_stay_two() -> None:
    assert verdict_of("adabob", WordRecognizer(ada=("NAME", 0.5), bob=("NAME", 0.5))).text == "<NAME><NAME>"


def test_only_the_chosen_types_count() -> None:
    safety = a_filter().only({"PHONE"})
    assert safety.types == {"PHONE"}
    assert safety.check(MAIL).text == "Mail ada@example.com, or call <PHONE>."
    guard = safety.stream_guard()
    assert guard.push(MAIL) + guard.finish() == "Mail ada@example.com, or call <PHONE>."


def test_a_text_that_is_too_long_is_not_looked_at() -> None:
    verdict = a_filter(max_chars=5).check("ada@example.com")
    assert (verdict.allowed, verdict.text, verdict.findings) == (False, "", ())
    assert a_filter(max_chars=5).check("short").allowed


def test_a_refusal_names_both_lengths() -> None:
    with pytest.raises(Refused, match="length: 15 characters, the limit is 5"):
        a_filter(max_chars=5).check_or_raise("ada@example.com")


def test_a_refusal_names_layers_and_types_and_not_what_was_found() -> None:
    with pytest.raises(Refused) as refusal:
        a_filter(html="block", pii="block").check_or_raise(f"<b>{MAIL}</b>")
    assert str(refusal.value) == "the safety filter refused the text (html: HTML; pii: EMAIL, PHONE)"


def test_what_is_allowed_is_not_refused() -> None:
    assert a_filter(html="block", pii="block").check_or_raise("a < b").text == "a < b"


@given(TEXTS)
def test_redaction_leaves_all_else_as_it_is(text: str) -> None:
    verdict = a_filter().check(text)
    rebuilt, at = "", 0
    for finding in verdict.findings:
        assert at <= finding.start < finding.end <= len(text)
        rebuilt += text[at : finding.start] + f"<{finding.type}>"
        at = finding.end
    assert rebuilt + text[at:] == verdict.text


@given(st.text(alphabet=st.characters(codec=None)))
def test_no_content_makes_the_filter_raise(text: str) -> None:
    assert a_filter(html="redact").check(text).allowed
