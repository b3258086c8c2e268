"""InjectionScreen: asks a Detector about every reading of a text, and lets through what the user has allowed."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from nexxi_cli.core.detection import Detector, Suspicion
from nexxi_cli.core.types import Finding
from nexxi_cli.service.readings import Reading, readings

ATTACK = 0.5
"""From this score on a suspicion counts."""

HIDDEN_RULES = frozenset({"html.hidden", "html.comment"})
"""Rules of the HTML strip whose findings hold text that a page does not show."""

_TAG = re.compile(r"<!--|-->|</?[A-Za-z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Screened:
    """The highest score of any reading (None: not looked at), and why it counts: "instruction override in hex"."""

    score: float | None = None
    reasons: tuple[str, ...] = ()
    blocks: bool = False


class InjectionScreen:
    """Finds prompt injection in a text, however it is written. Holds no state of a text.

    What it finds disallows the text (`blocks`) or is noted. There is no placeholder for it as for personal data: an
    attack has no edges at which one could cut it out and be sure of the rest.
    """

    def __init__(
        self, detector: Detector, *, blocks: bool, allow: Collection[str] = (), types: Collection[str] = ()
    ) -> None:
        """`allow` names rules that do not count; any other entry is a regular expression.

        What such an expression matches, in any case of letters, is not looked at; the text around it still is. Nor is a
        placeholder such as <SECRET_1>, of one of `types`: it stands for data, whatever its word means.
        """
        self._placeholder = re.compile(
            rf"<(?:{'|'.join(map(re.escape, sorted(types)))})(?:_\d{{1,9}}|#[\w-]{{1,64}})?>"
        )
        self._blocks = blocks
        self._detector = detector
        self._rules = detector.rules & frozenset(allow)
        self._patterns = tuple(re.compile(entry, re.IGNORECASE) for entry in allow if entry not in detector.rules)

    def look_at(self, text: str, hidden: str = "") -> Screened:
        """Judge a text; `hidden` is what its markup does not show."""
        found: dict[str, float] = {}
        for reading in self._readings(text, hidden):
            for suspicion in self._detector.suspicions(reading.text):
                if suspicion.rule not in self._rules:
                    reason = _reason(suspicion, reading)
                    found[reason] = max(suspicion.score, found.get(reason, 0.0))
        reasons = tuple(reason for reason, score in found.items() if score >= ATTACK)
        return Screened(max(found.values(), default=0.0), reasons, blocks=self._blocks)

    def _readings(self, text: str, hidden: str) -> Iterable[Reading]:
        for pattern in (self._placeholder, *self._patterns):
            text, hidden = pattern.sub(" ", text), pattern.sub(" ", hidden)
        yield from readings(text)
        if hidden.strip():
            yield from (Reading(f"hidden HTML {reading.name}".rstrip(), reading.text) for reading in readings(hidden))


def hidden_text(text: str, markup: Sequence[Finding]) -> str:
    """What the HTML that was found in `text` keeps from its readers: comments and hidden elements, a line each."""
    parts = (text[found.start : found.end] for found in markup if found.rule in HIDDEN_RULES)
    return "\n".join(_TAG.sub(" ", part) for part in parts)


def _reason(suspicion: Suspicion, reading: Reading) -> str:
    """A name for people. Scores that a rule fixes say nothing; the others have two digits."""
    named = f"{suspicion.rule} {suspicion.score:.2f}" if suspicion.measured else suspicion.rule
    return f"{named} in {reading.name}" if reading.name else named
