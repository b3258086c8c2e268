"""What the injection layer needs from outside: a Detector, and what it says of a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How sure a rule is that a text is an attack on the model: from 0 to 1. measured: the score is of this text."""

    rule: str
    score: float
    measured: bool = False


class Detector(Protocol):
    """Looks for prompt injection and jailbreaks in one reading of a text."""

    @property
    def rules(self) -> frozenset[str]:
        """Every rule that its suspicions can have."""

    def suspicions(self, text: str) -> Sequence[Suspicion]:
        """What speaks for an attack, each rule once; from a score of 0.5 on it is one. Linear in len(text)."""
