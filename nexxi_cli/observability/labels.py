"""What the labels of the metrics may be. Each is from a closed set, so that no client can create a series."""

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Literal, get_args

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.types import FinishReason

OTHER = "other"

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STATUSES = frozenset({*(int(status) for status in HTTPStatus), 499})
"""499: the client went away, after nginx (nginx.org/en/docs/dev/development_guide.html)."""

ROUTES = frozenset(
    {
        "/v1/chat",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{id}",
        "/v1/sessions",
        "/v1/sessions/{id}",
        "/v1/redact",
        "/health",
        "/ready",
        "/metrics",
        "/docs",
        "/openapi.json",
    }
)
"""Templates of paths; whatever a parameter is called, it is `{id}` here."""

DIRECTIONS = frozenset({"in", "out"})
FINISHES = frozenset(get_args(FinishReason))

MOST_FINDING_TYPES = 100
"""Types of findings come from the recognizers, not from a client; the bound holds should one of them err."""

Verdict = Literal["clean", "flagged", "refused"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_PARAMETER = re.compile(r"\{[^{}/]*\}")


def known(value: str, names: Collection[str]) -> str:
    """`value` if it is one of `names`."""
    return value if value in names else OTHER


class Routes:
    """The routes that have series of their own."""

    def __init__(self, templates: Collection[str] = ROUTES) -> None:
        self._templates = {_PARAMETER.sub("{id}", template) for template in templates}

    def label(self, template: str) -> str:
        """The label of a path's template."""
        if template in self._templates:
            return template
        return known(_PARAMETER.sub("{id}", template), self._templates)


class FindingTypes:
    """The types that have been found so far."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def label(self, kind: str) -> str:
        """The label of a finding's type."""
        if kind not in self._seen:
            if len(self._seen) >= MOST_FINDING_TYPES:
                return OTHER
            self._seen.add(kind)
        return kind


def verdict(*, allowed: bool, finding_types: Collection[str]) -> Verdict:
    """What the safety filter came to: nothing found, something found and let go on (redacted, mostly), or refused."""
    if not allowed:
        return "refused"
    return "flagged" if finding_types else "clean"


def error_types() -> frozenset[str]:
    """The types in the envelopes of errors."""
    return frozenset(error.kind for error in _tree(NexxiError))


def error_names() -> frozenset[str]:
    """The names of our errors."""
    return frozenset(error.__name__ for error in _tree(NexxiError))


def _tree(root: type[NexxiError]) -> set[type[NexxiError]]:
    return {root}.union(*(_tree(branch) for branch in root.__subclasses__()))
