"""ModerationScreen: asks a Classifier about a text, and says what its labels mean for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.moderation import Action, Classifier, LabelRule

KNOWN_LABELS: Mapping[str, Action] = {
    "harmful": "block",
    "hate": "block",
    "hate_speech": "block",
    "hate_threatening": "block",
    "hateful": "block",
    "identity_attack": "block",
    "identity_hate": "block",
    "injection": "block",
    "jailbreak": "block",
    "severe_toxic": "block",
    "severe_toxicity": "block",
    "sexual_minors": "block",
    "threat": "block",
    "toxic": "block",
    "toxicity": "block",
    "unsafe": "block",
    "harassment": "flag",
    "insult": "flag",
    "nsfw": "flag",
    "obscene": "flag",
    "offensive": "flag",
    "profanity": "flag",
    "self_harm": "flag",
    "sexual": "flag",
    "sexual_explicit": "flag",
    "sexually_explicit": "flag",
    "violence": "flag",
}
"""What labels mean without a setting, by the names that public models give them: those trained on Jigsaw's toxic
comments (toxic, severe_toxic, obscene, threat, insult, identity_hate), on OpenAI's moderation categories, on hate
speech, and on prompt attacks. Any other label passes.
"""

_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Moderated:
    """The highest score of the labels that count, and theirs; why the text is refused, and what is only noted."""

    scores: Mapping[str, float] = field(default_factory=dict, hash=False)
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class ModerationScreen:
    """The moderation layer. Holds no state of a text."""

    def __init__(self, classifier: Classifier, rules: Sequence[LabelRule], *, threshold: float) -> None:
        """Without `rules`, KNOWN_LABELS hold; labels without a rule pass. `threshold`: of rules that have none."""
        self._classifier = classifier
        self._rules = tuple(rules)
        self._threshold = threshold

    async def ready(self) -> None:
        """Wait until a text can be judged at once. Raises as the Classifier does, and SettingsError for the rules."""
        await self._classifier.ready()
        _ = self._plan

    def look_at(self, text: str) -> Moderated:
        """Judge a text. Raises as `ready` does, and ModelUnavailable."""
        plan = self._plan
        found = self._classifier.scores(text)
        scores = {rule.label: found[rule.label] for rule in plan}
        met: dict[Action, list[str]] = {"block": [], "flag": []}
        for rule in plan:
            if scores[rule.label] >= (rule.threshold or self._threshold):
                met[rule.action].append(f"{rule.label} {scores[rule.label]:.2f}")
        named = {f"moderation.{label}": score for label, score in scores.items()}
        return Moderated({"moderation": max(scores.values()), **named}, tuple(met["block"]), tuple(met["flag"]))

    @cached_property
    def _plan(self) -> tuple[LabelRule, ...]:
        return plan_of(self._classifier.labels(), self._rules, model=self._classifier.name)


def plan_of(labels: Sequence[str], rules: Sequence[LabelRule], *, model: str) -> tuple[LabelRule, ...]:
    """A rule for each of the model's labels that blocks or flags, by the label's own spelling.

    Raises SettingsError for a rule about a label that the model has not, and when no label would ever count.
    """
    own = {_canonical(label): label for label in labels}
    has = f"its labels are {', '.join(labels)}"
    if not rules:
        rules = [LabelRule(label, KNOWN_LABELS[name]) for name, label in own.items() if name in KNOWN_LABELS]
        if not rules:
            raise SettingsError(f"moderation_labels: say what the labels of {model} mean, as in label=block; {has}")
    for rule in rules:
        if _canonical(rule.label) not in own:
            raise SettingsError(f"moderation_labels: {model} has no label {rule.label!r}; {has}")
    plan = {own[_canonical(rule.label)]: rule for rule in rules}
    counting = tuple(
        LabelRule(label, rule.action, rule.threshold) for label, rule in plan.items() if rule.action != "pass"
    )
    if not counting:
        raise SettingsError(f"moderation_labels: nothing would ever be blocked or flagged by {model}; {has}")
    return counting


def _canonical(label: str) -> str:
    """Case, blanks and hyphens do not count: `Hate-Speech` is `hate_speech`."""
    return _NOT_A_WORD.sub("_", label.casefold()) if label.isascii() else label.casefold()
