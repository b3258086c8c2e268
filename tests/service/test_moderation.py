"""The moderation layer: what labels mean, thresholds, and its place as the last one; with scripted scores."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from nexxi_cli.core.errors import ModelUnavailable, Refused, SettingsError
from nexxi_cli.core.moderation import LabelRule, parse_rule
from nexxi_cli.core.settings import Mode
from nexxi_cli.service.injection import InjectionScreen
from nexxi_cli.service.moderation import KNOWN_LABELS, ModerationScreen, plan_of
from nexxi_cli.service.safety import SafetyFilter
from tests.service.screening import SCANNER, WordDetector

SCORES = {"toxic": 0.9, "insult": 0.6, "neutral": 0.3}


class ScriptedClassifier:
    """Has the same scores for every text, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, scores: Mapping[str, float] = SCORES, *, error: Exception | None = None) -> None:
        self._scores = scores
        self._error = error
        self.texts: list[str] = []

    async def ready(self) -> None:
        if self._error is not None:
            raise self._error

    def labels(self) -> Sequence[str]:
        return tuple(self._scores)

    def scores(self, text: str) -> Mapping[str, float]:
        if self._error is not None:
            raise self._error
        self.texts.append(text)
        return self._scores

    async def aclose(self) -> None:
        pass


def a_screen(*rules: str, classifier: ScriptedClassifier | None = None, threshold: float = 0.5) -> ModerationScreen:
    return ModerationScreen(classifier or ScriptedClassifier(), list(map(parse_rule, rules)), threshold=threshold)


def a_filter(
    *rules: str, classifier: ScriptedClassifier | None = None, html: Mode = "redact", pii: Mode = "redact"
) -> SafetyFilter:
    injection = InjectionScreen(WordDetector(), blocks=True)
    screen = a_screen(*rules, classifier=classifier)
    return SafetyFilter((SCANNER,), html, pii, 1000, injection=injection, moderation=screen)


def test_a_label_that_blocks_disallows_the_text_and_one_that_flags_is_noted() -> None:
    verdict = a_filter("toxic=block", "insult=flag").check("you")
    assert not verdict.allowed
    assert verdict.reasons == ("moderation: toxic 0.90",)
    assert verdict.notes == ("moderation: insult 0.60",)
    assert verdict.types == ("MODERATION",)
    scores = {"injection": 0.0, "moderation": 0.9, "moderation.toxic": 0.9, "moderation.insult": 0.6}
    assert verdict.scores == scores


def test_a_label_that_only_flags_lets_the_text_through() -> None:
    verdict = a_filter("toxic=flag").check("you")
    assert (verdict.allowed, verdict.text, verdict.reasons) == (True, "you", ())
    assert verdict.notes == ("moderation: toxic 0.90",)
    assert verdict.types == ("MODERATION",)


def test_below_its_threshold_a_label_has_a_score_and_no_say() -> None:
    verdict = a_filter("toxic=block:0.95").check("you")
    assert (verdict.allowed, verdict.reasons, verdict.notes, verdict.types) == (True, (), (), ())
    assert verdict.scores["moderation"] == 0.9


def test_a_rule_without_a_threshold_takes_the_common_one() -> None:
    assert a_screen("toxic=block", threshold=0.9).look_at("you").reasons == ("toxic 0.90",)
    assert a_screen("toxic=block", threshold=0.91).look_at("you").reasons == ()
    assert a_screen("toxic=block:0.1", threshold=0.91).look_at("you").reasons == ("toxic 0.90",)


def test_labels_without_a_rule_pass() -> None:
    assert a_filter("insult=block:0.7").check("you").allowed


def test_without_rules_the_labels_that_are_known_by_name_count() -> None:
    verdict = a_filter().check("you")
    assert verdict.reasons == ("moderation: toxic 0.90",)
    assert verdict.notes == ("moderation: insult 0.60",)
    assert "moderation.neutral" not in verdict.scores


def test_case_hyphens_and_blanks_of_a_label_do_not_count() -> None:
    (rule,) = plan_of(["Hate-Speech", "OK"], (), model="m")
    assert (rule.label, rule.action) == ("Hate-Speech", "block")
    (rule,) = plan_of(["S-H/M"], [LabelRule("s h m", "flag", 0.2)], model="m")
    assert rule == LabelRule("S-H/M", "flag", 0.2)
    assert plan_of(["Wut"], [LabelRule("wut", "flag")], model="m")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (["toxci=block"], "moderation_labels: scripted has no label 'toxci'; its labels are toxic, insult, neutral"),
        (["toxic=pass"], "nothing would ever be blocked or flagged"),
    ],
)
async def test_rules_that_do_not_fit_the_model_are_a_settings_error(rules: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        await a_screen(*rules).ready()
    with pytest.raises(SettingsError, match=words):
        a_screen(*rules).look_at("you")


async def test_labels_that_say_nothing_have_to_be_explained() -> None:
    classifier = ScriptedClassifier({"LABEL_0": 0.1, "LABEL_1": 0.9})
    with pytest.raises(SettingsError, match=r"say what the labels of scripted mean.*LABEL_0, LABEL_1"):
        await a_screen(classifier=classifier).ready()
    assert a_screen("LABEL_1=block", classifier=classifier).look_at("you").reasons == ("LABEL_1 0.90",)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("toxic=block", LabelRule("toxic", "block")),
        (" hate speech = flag : 0.25 ", LabelRule("hate speech", "flag", 0.25)),
        ("a=b=pass", LabelRule("a=b", "pass")),
        ("sexual:minors=block:1", LabelRule("sexual:minors", "block", 1.0)),
    ],
)
def test_a_rule_is_a_label_an_action_and_perhaps_a_threshold(text: str, rule: LabelRule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text", ["toxic", "=block", "toxic=", "toxic=stop", "toxic=block:", "a=flag:0", "a=flag:1.1", "a=flag:nan"]
)
def test_anything_else_is_no_rule(text: str) -> None:
    with pytest.raises(ValueError, match="should"):
        parse_rule(text)


def test_every_known_label_is_written_as_labels_are_compared() -> None:
    assert {rule.label for rule in plan_of(list(KNOWN_LABELS), (), model="m")} == set(KNOWN_LABELS)


def test_it_sees_what_goes_on_without_personal_data_and_markup() -> None:
    classifier = ScriptedClassifier({"toxic": 0.0})
    assert a_filter(classifier=classifier).check("<b>I am</b> ada@example.com").allowed
    assert classifier.texts == ["I am <EMAIL>"]


@pytest.mark.parametrize("text", ["an attack", "x" * 1001, "<b> </b>", ""], ids=["refused", "long", "empty", "nothing"])
def test_what_another_layer_refuses_or_leaves_nothing_of_is_not_looked_at(text: str) -> None:
    classifier = ScriptedClassifier()
    a_filter(classifier=classifier).check(text)
    assert classifier.texts == []


def test_notes_of_the_other_layers_stay() -> None:
    injection = InjectionScreen(WordDetector(), blocks=False)
    safety = SafetyFilter((), "off", "off", None, injection=injection, moderation=a_screen("insult=flag"))
    assert safety.check("an attack").notes == ("injection: word", "moderation: insult 0.60")
    assert safety.check("an attack").types == ("INJECTION", "MODERATION")


def test_a_refusal_names_the_label_and_not_the_text() -> None:
    with pytest.raises(Refused) as refusal:
        a_filter().check_or_raise("you, Ada")
    assert str(refusal.value) == "the safety filter refused the text (moderation: toxic 0.90)"
    assert refusal.value.finding_types == ("MODERATION",)


def test_a_text_that_cannot_be_judged_does_not_go_on() -> None:
    safety = a_filter(classifier=ScriptedClassifier(error=ModelUnavailable("no memory")))
    with pytest.raises(ModelUnavailable, match="no memory"):
        safety.check("you")


def test_only_some_types_of_personal_data_still_means_moderation_too() -> None:
    safety = a_filter().only(set())
    assert safety.asks_a_model
    assert not safety.check("you").allowed


async def test_without_a_model_a_filter_is_ready_at_once_and_asks_none() -> None:
    safety = SafetyFilter((), "off", "off", None)
    await safety.ready()
    assert not safety.asks_a_model


def test_threads_share_a_screen() -> None:
    safety = a_filter()
    with ThreadPoolExecutor(8) as pool:
        assert not any(verdict.allowed for verdict in pool.map(safety.check, ["you"] * 50))
