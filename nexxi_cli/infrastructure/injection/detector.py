"""ClassifyingDetector: rules, and a linear classifier over windows of a text. Holds no state of a text."""

from collections.abc import Callable
from math import exp

from nexxi_cli.core.detection import Suspicion
from nexxi_cli.infrastructure.injection.features import blocks, fold, tokens
from nexxi_cli.infrastructure.injection.lexicon import concept_of
from nexxi_cli.infrastructure.injection.rules import RULES, matches
from nexxi_cli.infrastructure.injection.weights import Weights, shipped_weights

CLASSIFIER = "classifier"


class ClassifyingDetector:
    """The Detector that ships. The weights are read on first use; a damaged file raises NexxiError then."""

    def __init__(self, weights: Callable[[], Weights] = shipped_weights) -> None:
        self._weights = weights

    @property
    def rules(self) -> frozenset[str]:
        """The names of the rules, and the classifier's."""
        return frozenset({CLASSIFIER, *(rule.name for rule in RULES)})

    def suspicions(self, text: str) -> tuple[Suspicion, ...]:
        """What the rules and the classifier say, the classifier last. Linear in len(text)."""
        folded = fold(text)
        words = tokens(folded)
        concepts = {concept for word in words if (concept := concept_of(word))}
        found = [Suspicion(rule.name, rule.score) for rule in matches(folded, concepts)]
        logit = self._weights().highest(blocks(words))
        return (*found, Suspicion(CLASSIFIER, _probability(logit), measured=True))


def _probability(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit > -500 else 0.0
