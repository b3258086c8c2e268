"""International bank account numbers: ISO 13616-1, lengths by country from the SWIFT IBAN Registry, check mod 97."""

import re
from functools import cache

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import WIDE, head

_LENGTHS = {
    country: int(length)
    for length, countries in (
        ("15", "NO"),
        ("16", "BE"),
        ("18", "DK FI FK FO GL NL SD"),
        ("19", "MK SI"),
        ("20", "AT BA EE KZ LT LU MN XK"),
        ("21", "CH HR LI LV"),
        ("22", "BG BH CR DE GB GE IE ME RS VA"),
        ("23", "AE GI IL IQ OM SO TL"),
        ("24", "AD CZ DZ ES MD PK RO SA SE SK TN VG"),
        ("25", "LY PT ST"),
        ("26", "IS TR"),
        ("27", "BI DJ FR GR IT MC MR SM"),
        ("28", "AL AZ BY CY DO GT HU LB NI PL SV"),
        ("29", "BR EG PS QA UA"),
        ("30", "JO KW MU YE"),
        ("31", "MT SC"),
        ("32", "LC"),
        ("33", "RU"),
    )
    for country in countries.split()
}
_CANDIDATE = r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ \-\u00a0]?[A-Za-z0-9]){11}"  # the shortest

_PROBES = (
    head(
        rf"[A-Za-z]{{2}}[0-9]{{2}}[ \-{WIDE}]?[A-Za-z0-9]{{4}}[ \-{WIDE}]?[A-Za-z0-9]{{3}}", 11, 13, alone="A-Za-z0-9"
    ),
)
_STARTS = starting("A-Za-z", alone="A-Za-z0-9")

_VALUES = {ord(char): str(int(char, 36)) for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
"""Digits are named since `str.translate` is slow without."""


def _is_iban(match: re.Match[str]) -> int | None:
    text = match.string
    length = _LENGTHS.get(match[0][:2].upper())
    if length is None:
        return None
    whole = _of_length(length).match(text, match.start())
    if whole is None:
        return None
    end = whole.end()
    follows = text[end : end + 1]
    number = whole[0].replace(" ", "").replace("-", "").replace("\u00a0", "")
    return None if (follows.isascii() and follows.isalnum()) or not passes_mod_97(number) else end


@cache
def _of_length(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z0-9](?:[ \-\u00a0]?[A-Za-z0-9]){{{length - 1}}}")


def passes_mod_97(iban: str) -> bool:
    """ISO/IEC 7064 MOD 97-10: country and check digits to the end, letters as 10 to 35, remainder 1."""
    return int((iban[4:] + iban[:4]).upper().translate(_VALUES)) % 97 == 1


IBAN = PatternRecognizer(
    (Rule("iban.number", "IBAN", 0.99, _CANDIDATE, _is_iban, probes=_PROBES, starts=_STARTS),),
    chars=r"A-Za-z0-9 \-\u00a0",
    begins=r"(?<![A-Za-z0-9])[A-Za-z](?:\Z|[A-Za-z](?:\Z|[0-9](?:\Z|[0-9])))",
    max_chars=68,
)
