"""How the recognizers of numbers that people are given put their rules: a shape, a check, words beside it."""

import re
from collections.abc import Callable

from nexxi_cli.infrastructure.recognizers.patterns import Confirm, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import Probe, head
from nexxi_cli.infrastructure.recognizers.words import Words

Valid = Callable[[str], bool]

FREE_BEFORE = r"(?<![\w.\-/+])(?<![0-9][ ,])"
FREE_AFTER = r"(?!\w|[.\-/][0-9])"
ALONE = r"\w.\-/+"

_ANY_COUNTRY = (
    "national id",
    "national identity",
    "national insurance",
    "national identification",
    "id number",
    "identity number",
    "identity document",
    "identification number",
    "personal number",
    "personal id",
    "personal code",
    "personal identity",
    "citizen",
    "citizen number",
    "social security",
    "tax id",
    "tax number",
    "tax no",
    "tax identification",
    "taxpayer",
)


def words(*phrases: str, general: bool = True) -> Words:
    """Words of one kind of number; `general`: those for such numbers anywhere serve too."""
    return Words(phrases, also=_ANY_COUNTRY if general else ())


def checked(valid: Valid) -> Confirm:
    """Accept a match whose letters, in upper case, and digits are valid."""

    def confirm(match: re.Match[str]) -> int | None:
        return match.end() if valid(re.sub(r"[^0-9A-Za-zÑ&]", "", match[0]).upper()) else None

    return confirm


def beside_words(
    name: str,
    shape: str,
    valid: Valid,
    beside: Words,
    *,
    type_: str = "NATIONAL_ID",
    digits: int = 2,
    lead: int = 0,
    longest: int = 24,
) -> Rule:
    """A rule for what only the words beside it tell from other numbers."""
    return Rule(
        name,
        type_,
        0.85,
        f"{FREE_BEFORE}{shape}{FREE_AFTER}",
        checked(valid),
        words=beside,
        probes=beside.probes(digits, lead, longest),
        starts=starting("A-Za-z0-9&Ñ" if lead else "0-9", alone=ALONE),
    )


def distinct(name: str, shape: str, valid: Valid, *probes: Probe, type_: str = "NATIONAL_ID") -> Rule:
    """A rule for what its shape and its check digits tell from other numbers."""
    return Rule(name, type_, 0.85, f"{FREE_BEFORE}{shape}{FREE_AFTER}", checked(valid), probes=probes)


def begins(expression: str, least: int, most: int | None = None) -> Probe:
    """A probe of what such a number begins with."""
    return head(expression, least, most, alone=ALONE)
