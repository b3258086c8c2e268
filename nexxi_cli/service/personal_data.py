"""PersonalData: layers of recognizers, each with its mode. Knows what becomes of their findings; knows no rule."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.settings import Mode
from nexxi_cli.core.types import Finding
from nexxi_cli.service.findings import find_all, redacted, type_names
from nexxi_cli.service.stream_guard import StreamGuard


@dataclass(frozen=True, slots=True)
class Layer:
    """Recognizers, and what becomes of what they find. `name` is the layer's in reasons."""

    name: str
    mode: Mode
    recognizers: tuple[Recognizer, ...]

    @property
    def types(self) -> frozenset[str]:
        """Every type that its findings can have."""
        return frozenset[str]().union(*(recognizer.types for recognizer in self.recognizers))


@dataclass(frozen=True, slots=True)
class Looked:
    """A text without its personal data, what was found in it, in order, and why it may not go on."""

    text: str
    findings: tuple[Finding, ...]
    reasons: tuple[str, ...]


class PersonalData:
    """Looks for personal data of some types.

    A type belongs to the first layer that can find it: that layer's mode decides whether it blocks. A layer none of
    whose own types is wanted is not asked.
    """

    def __init__(self, layers: Sequence[Layer], types: Collection[str] | None) -> None:
        """Data of `types` counts; None: of every type."""
        self.known_types = frozenset[str]().union(*(layer.types for layer in layers))
        self.types = self.known_types if types is None else self.known_types & frozenset(types)
        taken: list[Recognizer] = []
        seen: list[Recognizer] = []
        self._blocking: list[tuple[str, frozenset[str]]] = []
        owned = frozenset[str]()
        for layer in layers:
            own = layer.types - owned
            owned |= own
            if layer.mode == "off" or not own & self.types:
                continue
            (seen if layer.mode == "observe" else taken).extend(layer.recognizers)
            if layer.mode == "block":
                self._blocking.append((layer.name, own))
        self._taken, self._seen = tuple(taken), tuple(seen)

    def look_at(self, text: str) -> Looked:
        """What may go on of a text. Findings that are only observed may overlap the others."""
        taken = find_all(self._taken, self.types, text) if self._taken else ()
        findings = taken
        if self._seen:
            seen = find_all(self._seen, self.types, text)
            findings = tuple(sorted((*taken, *seen), key=lambda finding: (finding.start, finding.end)))
        reasons = []
        for layer, types in self._blocking:
            found = [finding for finding in taken if finding.type in types]
            if found:
                reasons.append(f"{layer}: {type_names(found)}")
        return Looked(redacted(text, taken), findings, tuple(reasons))

    def guard(self, on_finding: Callable[[Finding], object] | None) -> StreamGuard:
        """A guard for one text that comes in pieces."""
        if not self._taken:
            return self._watch(on_finding)
        watch = self._watch(on_finding) if self._seen else None
        return StreamGuard(self._taken, types=self.types, mode="redact", on_finding=on_finding, watch=watch)

    def _watch(self, on_finding: Callable[[Finding], object] | None) -> StreamGuard:
        mode: Mode = "observe" if self._seen else "off"
        return StreamGuard(self._seen, types=self.types, mode=mode, on_finding=on_finding)
