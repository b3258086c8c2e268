"""Search: what is looked for in a run. Knows recognizers and types, and no way in which a text comes."""

from collections.abc import Sequence
from dataclasses import dataclass

from nexxi_cli.core.ports import Recognizer
from nexxi_cli.core.types import Finding
from nexxi_cli.service.findings import find_all
from nexxi_cli.service.stream_guard import Render, StreamGuard


@dataclass(frozen=True, slots=True)
class Search:
    """Findings of `types` by `recognizers`."""

    recognizers: Sequence[Recognizer]
    types: frozenset[str]

    def find(self, text: str) -> tuple[Finding, ...]:
        """The findings in a whole text, in order, none touching another."""
        return find_all(self.recognizers, self.types, text) if text else ()

    def guard(self, render: Render, *, context: str = "") -> StreamGuard:
        """One text that comes in pieces, or a part of one with the CONTEXT_CHARS before it; kept nowhere."""
        return StreamGuard(self.recognizers, types=self.types, mode="redact", render=render, context=context)
