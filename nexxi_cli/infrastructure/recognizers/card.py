"""Payment card numbers: ISO/IEC 7812-1, issuer ranges as the networks publish them, and the Luhn digit (annex B)."""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule
from nexxi_cli.infrastructure.recognizers.probes import head

_GROUPED = (
    r"(?<![\w.\-])(?:"
    r"[2-6][0-9]{3}([ \-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3}(?![0-9]))?"
    r"|3[0-9]{3}([ \-])[0-9]{6}\2[0-9]{4,5}"
    r")(?![\w]|[.\-][0-9])"
)
_PLAIN = r"(?<![\w.\-])[2-6][0-9]{12,18}(?![\w]|[.\-][0-9])"

_ALONE = r"\w.\-"
_GROUPS = (
    head(r"[2-6][0-9]{3}[ \-][0-9]{4}[ \-][0-9]{4}[ \-]", 15, alone=_ALONE),
    head(r"3[0-9]{3}[ \-][0-9]{6}[ \-]", 12, alone=_ALONE),
)
_DIGITS = (head("[2-6][0-9]{12}", 13, alone=_ALONE),)

# American Express, Diners Club, JCB, Visa, Mastercard, Maestro, Discover, UnionPay, Mir -> lengths
_ISSUERS = (
    (r"3[47]", (15,)),
    (r"3(?:0[0-5]|[689])", (14, 16, 19)),
    (r"35(?:2[89]|[3-8])", (16, 17, 18, 19)),
    (r"4", (13, 16, 19)),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    (r"5[0678]|6", (13, 14, 15, 16, 17, 18, 19)),
    (r"220[0-4]", (16, 17, 18, 19)),
)


_DOUBLED = str.maketrans("0123456789", "0246813579")  # the sum of the digits of twice the digit


def _is_card(match: re.Match[str]) -> int | None:
    digits = re.sub(r"\D", "", match[0])
    if not passes_luhn(digits):
        return None
    issued = any(len(digits) in lengths and re.match(issuer, digits) for issuer, lengths in _ISSUERS)
    return match.end() if issued else None


def passes_luhn(digits: str) -> bool:
    """Whether the last of `digits` checks the others: ISO/IEC 7812-1 annex B, every second from the right doubled."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(map(int, digits[::-2])) + sum(map(int, doubled))) % 10 == 0


CARD = PatternRecognizer(
    (
        Rule("card.grouped", "CARD", 0.95, _GROUPED, _is_card, probes=_GROUPS),
        Rule("card.plain", "CARD", 0.9, _PLAIN, _is_card, probes=_DIGITS),
    ),
    chars=r"0-9 .\-",
    begins=r"[0-9]",
    max_chars=32,
)
