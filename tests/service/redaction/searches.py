"""A search with the real recognizers, and texts that are dense with what they find."""

from nexxi_cli.service.redaction.operators import Operators, Replace
from nexxi_cli.service.redaction.outcomes import Redacted
from nexxi_cli.wiring import redaction_search

SEARCH = redaction_search()


def redacted() -> Redacted:
    """An outcome that replaces by the type."""
    return Redacted(Operators(Replace()))
