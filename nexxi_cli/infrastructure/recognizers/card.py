"""Payment card numbers: ISO/IEC 7812-1, issuer ranges as the networks publish them, and the Luhn digit (annex B)."""

import re
from bisect import bisect_right

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

# first four digits from and to, lengths: Mir, Mastercard, Diners Club, American Express, JCB, Visa, Maestro, others
_ISSUERS = (
    ("2200", "2204", (16, 17, 18, 19)),
    ("2221", "2720", (16,)),
    ("3000", "3059", (14, 16, 19)),
    ("3400", "3499", (15,)),
    ("3528", "3589", (16, 17, 18, 19)),
    ("3600", "3699", (14, 16, 19)),
    ("3700", "3799", (15,)),
    ("3800", "3999", (14, 16, 19)),
    ("4000", "4999", (13, 16, 19)),
    ("5000", "5099", (13, 14, 15, 16, 17, 18, 19)),
    ("5100", "5599", (16,)),
    ("5600", "5899", (13, 14, 15, 16, 17, 18, 19)),
    ("6000", "6999", (13, 14, 15, 16, 17, 18, 19)),
)
_LOWEST = tuple(low for low, _, _ in _ISSUERS)
_ONCE = bytes.maketrans(b"0123456789", bytes(range(10)))
_TWICE = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))  # the sum of the digits of twice it


def _is_card(match: re.Match[str]) -> int | None:
    digits = match[0].replace(" ", "").replace("-", "")
    first = digits[:4]
    place = bisect_right(_LOWEST, first) - 1
    if place < 0:
        return None
    _, high, lengths = _ISSUERS[place]
    return match.end() if first <= high and len(digits) in lengths and passes_luhn(digits) else None


def passes_luhn(digits: str) -> bool:
    """Whether the last of `digits` checks the others: ISO/IEC 7812-1 annex B, every second from the right doubled."""
    data = digits.encode()
    return (sum(data[::-2].translate(_ONCE)) + sum(data[-2::-2].translate(_TWICE))) % 10 == 0


CARD = PatternRecognizer(
    (
        Rule("card.grouped", "CARD", 0.95, _GROUPED, _is_card, probes=_GROUPS),
        Rule("card.plain", "CARD", 0.9, _PLAIN, _is_card, probes=_DIGITS),
    ),
    chars=r"0-9 .\-",
    begins=r"[0-9]",
    max_chars=32,
)
