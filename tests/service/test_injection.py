"""The injection layer: readings, modes, allow-list, hidden HTML; with a detector that the test scripts."""

import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import Refused
from nexxi_cli.core.settings import Mode
from nexxi_cli.service.injection import InjectionScreen
from nexxi_cli.service.safety import SafetyFilter
from tests.service.screening import WordDetector


def a_filter(
    detector: WordDetector | None = None, *, blocks: bool = True, allow: Sequence[str] = (), html: Mode = "off"
) -> SafetyFilter:
    screen = InjectionScreen(detector or WordDetector(), blocks=blocks, allow=allow)
    return SafetyFilter((), html, "off", None, injection=screen)


def test_an_attack_is_not_allowed_and_the_reason_names_the_rule() -> None:
    verdict = a_filter().check("an attack")
    assert not verdict.allowed
    assert verdict.reasons == ("injection: word",)
    assert verdict.scores == {"injection": 0.9}
    assert verdict.types == ("INJECTION",)


def test_a_measured_score_is_part_of_the_reason() -> None:
    assert a_filter().check("an attack!").reasons == ("injection: word", "injection: classifier 0.97")


def test_observe_allows_and_notes() -> None:
    verdict = a_filter(blocks=False).check("an attack")
    assert (verdict.allowed, verdict.text, verdict.reasons) == (True, "an attack", ())
    assert verdict.notes == ("injection: word",)
    assert verdict.types == ("INJECTION",)


def test_what_is_hardly_suspicious_has_a_score_and_no_reason() -> None:
    verdict = a_filter().check("maybe")
    assert (verdict.allowed, verdict.reasons, verdict.notes, verdict.types) == (True, (), (), ())
    assert verdict.scores == {"injection": 0.25}


def test_off_has_no_score() -> None:
    verdict = SafetyFilter((), "off", "off", None).check("an attack")
    assert (verdict.allowed, verdict.scores) == (True, {})


def test_a_refusal_names_the_rule_and_not_the_text() -> None:
    with pytest.raises(Refused) as refusal:
        a_filter().check_or_raise("attack on Ada")
    assert str(refusal.value) == "the safety filter refused the text (injection: word)"
    assert refusal.value.finding_types == ("INJECTION",)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("att\u200back", "injection: word"),
        ("\u0430ttack", "injection: word"),
        (base64.b64encode(b"this is an attack").decode(), "injection: word in base64"),
        ("x" + "".join(chr(0xE0000 + ord(char)) for char in "attack"), "injection: word in tags"),
    ],
    ids=["invisible", "homoglyph", "base64", "tags"],
)
def test_a_disguised_attack_is_seen_and_the_disguise_named(written: str, reason: str) -> None:
    assert a_filter().check(written).reasons == (reason,)


@pytest.mark.parametrize("html", ["observe", "redact", "block"])
@pytest.mark.parametrize(
    "page",
    ['<p>Hi</p><p style="display:none">an attack</p>', "<b>Hi</b><!-- an attack -->", "<i hidden>an <b>attack</b></i>"],
)
def test_text_that_html_hides_is_looked_at(page: str, html: Mode) -> None:
    assert "injection: word in hidden HTML" in (*a_filter(html=html).check(page).reasons,)


def test_markup_inside_a_word_hides_nothing() -> None:
    assert a_filter(html="redact").check("at<b></b>tack").reasons[-1] == "injection: word"


def test_an_allowed_rule_does_not_count() -> None:
    verdict = a_filter(allow=["word"]).check("an attack")
    assert (verdict.allowed, verdict.scores) == (True, {"injection": 0.0})
    assert a_filter(allow=["word"]).check("an attack!").reasons == ("injection: classifier 0.97",)


def test_an_allowed_text_does_not_count_and_the_rest_does() -> None:
    safety = a_filter(allow=[r"the \w+ attack", "unused"])
    assert safety.check("the Morra ATTACK, the Morra attack").allowed
    assert not safety.check("the Morra attack and an attack").allowed


def test_only_some_types_of_personal_data_still_means_injection_too() -> None:
    assert not a_filter().only(set()).check("an attack").allowed


def test_a_text_without_disguise_is_read_once() -> None:
    detector = WordDetector()
    a_filter(detector).check("What is the capital of France?")
    assert detector.texts == ["What is the capital of France?"]


def test_a_text_that_is_too_long_is_not_read() -> None:
    detector = WordDetector()
    screen = InjectionScreen(detector, blocks=True)
    assert SafetyFilter((), "off", "off", 3, injection=screen).check("attack").scores == {}
    assert detector.texts == []


def test_threads_share_a_filter() -> None:
    safety = a_filter()
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(safety.check, ["an attack", "peace"] * 50))
    assert [verdict.allowed for verdict in verdicts] == [False, True] * 50


@given(st.text(alphabet=st.characters(codec=None)))
def test_no_content_makes_the_layer_raise(text: str) -> None:
    assert a_filter(html="observe").check(text).scores


def test_what_stands_for_data_is_not_taken_for_its_word() -> None:
    screen = InjectionScreen(WordDetector(), blocks=True, types={"ATTACK", "EMAIL"})
    assert screen.look_at("Write to <EMAIL_1> and <ATTACK#x-9>, <ATTACK_12>.").score == 0.0
    assert screen.look_at("<ATTACK_1> is an attack").score != 0.0
