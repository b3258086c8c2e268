"""SafetyFilter: length, HTML, injection, personal data, moderation; in this order. Knows no rule and no front door."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import Refused
from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.settings import Mode
from nexxi_cli.core.types import Finding, Verdict
from nexxi_cli.service.findings import type_names
from nexxi_cli.service.injection import InjectionScreen, Screened, hidden_text
from nexxi_cli.service.markup import Stripped, strip_markup
from nexxi_cli.service.personal_data import Layer, PersonalData
from nexxi_cli.service.stream_guard import StreamGuard

if TYPE_CHECKING:
    from nexxi_cli.service.moderation import ModerationScreen


class SafetyFilter:
    """Says what may go on of a text. Holds no state of a text: one filter serves all threads.

    The modes of a layer: "off" does not look; "observe" reports what it finds and changes nothing; "redact" takes it
    out (HTML) or puts a placeholder in its place (personal data); "block" does so too and disallows the text.
    Names are a layer of personal data with a mode of its own. Injection has no "redact", see InjectionScreen;
    moderation has a rule for each label, see ModerationScreen.
    """

    def __init__(
        self,
        recognizers: Sequence[Recognizer],
        html: Mode,
        pii: Mode,
        max_chars: int | None,
        *,
        injection: InjectionScreen | None = None,
        moderation: "ModerationScreen | None" = None,
        name_recognizers: Sequence[Recognizer] = (),
        names: Mode = "off",
        types: Collection[str] | None = None,
    ) -> None:
        """Personal data of `types` counts; None: of every type. Without its screen, a layer is off."""
        self._layers = (
            Layer("pii", pii, tuple(recognizers)),
            Layer("names", names, tuple(name_recognizers)),
        )
        self._personal = PersonalData(self._layers, types)
        self._html: Mode = html
        self._max_chars = max_chars
        self._injection = injection
        self._moderation = moderation

    @property
    def types(self) -> frozenset[str]:
        """The types of personal data that it looks for."""
        return self._personal.types

    @property
    def known_types(self) -> frozenset[str]:
        """The types that `only` can choose."""
        return self._personal.known_types

    def only(self, types: Collection[str]) -> "SafetyFilter":
        """The same filter, looking for `types` alone."""
        pii, names = self._layers
        return SafetyFilter(
            pii.recognizers,
            self._html,
            pii.mode,
            self._max_chars,
            injection=self._injection,
            moderation=self._moderation,
            name_recognizers=names.recognizers,
            names=names.mode,
            types=types,
        )

    @property
    def asks_a_model(self) -> bool:
        """Whether it takes a model's time to judge a text, be it ever so short."""
        return self._moderation is not None

    async def ready(self) -> None:
        """Wait until nothing has to be loaded any more. Raises as ModerationScreen.ready does."""
        if self._moderation is not None:
            await self._moderation.ready()

    def check(self, text: str) -> Verdict:
        """Judge a text. Nothing that it contains makes this raise; a moderation that cannot be had does.

        Findings are of type HTML or one of `types`, in order; those of HTML, and those that are only observed, may
        overlap others.
        A text that is too long is not looked at, and nothing of it may go on. Moderation sees what would go on of a
        text that the other layers allow.
        """
        verdict = self._check(text)
        if self._moderation is None or not verdict.allowed or not verdict.text.strip():
            return verdict
        moderated = self._moderation.look_at(verdict.text)
        return replace(
            verdict,
            allowed=not moderated.reasons,
            reasons=tuple(f"moderation: {reason}" for reason in moderated.reasons),
            scores={**verdict.scores, **moderated.scores},
            notes=(*verdict.notes, *(f"moderation: {note}" for note in moderated.notes)),
        )

    def _check(self, text: str) -> Verdict:
        if self._max_chars is not None and len(text) > self._max_chars:
            reason = f"length: {len(text)} characters, the limit is {self._max_chars}"
            return Verdict(allowed=False, text="", reasons=(reason,))
        stripped = strip_markup(text) if self._html != "off" else Stripped(text)
        markup = stripped.findings
        screened = Screened()
        if self._injection is not None:
            screened = self._injection.look_at(stripped.text, hidden_text(text, markup))
        if self._html == "observe":
            stripped = Stripped(text)
        looked = self._personal.look_at(stripped.text)
        notes: list[str] = []
        reasons = [f"html: {type_names(markup)}"] if self._html == "block" and markup else []
        reasons += looked.reasons
        (reasons if screened.blocks else notes).extend(f"injection: {reason}" for reason in screened.reasons)
        findings = looked.findings
        if markup:
            both = [*markup, *(_in_original(finding, stripped) for finding in looked.findings)]
            findings = tuple(sorted(both, key=lambda finding: (finding.start, finding.end)))
        return Verdict(
            allowed=not reasons,
            text=looked.text,
            findings=findings,
            reasons=tuple(reasons),
            scores={} if screened.score is None else {"injection": screened.score},
            notes=tuple(notes),
        )

    def check_or_raise(self, text: str) -> Verdict:
        """Judge a text as `check` does.

        Raises Refused, which names layers, types, rules, labels and lengths, never what was found.
        """
        verdict = self.check(text)
        if not verdict.allowed:
            raise Refused(
                f"the safety filter refused the text ({'; '.join(verdict.reasons)})",
                finding_types=verdict.types,
            )
        return verdict

    def stream_guard(self, *, on_finding: Callable[[Finding], object] | None = None) -> StreamGuard:
        """A guard for one text that comes in pieces, such as a reply; personal data only, HTML in it is an answer."""
        return self._personal.guard(on_finding)


def _in_original(finding: Finding, stripped: Stripped) -> Finding:
    start, end = stripped.original(finding.start, finding.end)
    return Finding(start, end, finding.type, finding.confidence, finding.rule)
