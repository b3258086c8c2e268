"""What names a device or an account of the network: MAC addresses, IMEIs, URLs with a password in them.

IEEE 802: EUI-48 in its three notations; 3GPP TS 23.003, annex B: IMEI, Luhn; RFC 3986, 3.2.1: userinfo.
"""

import re

from nexxi_cli.infrastructure.recognizers.card import passes_luhn
from nexxi_cli.infrastructure.recognizers.numbers import ALONE, FREE_AFTER, FREE_BEFORE, checked
from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import Probe, head
from nexxi_cli.infrastructure.recognizers.words import Words

_PAIR = "[0-9A-Fa-f]{2}"
_FOUR = "[0-9A-Fa-f]{4}"
_EUI_48 = (
    rf"(?<![\w:.\-])(?:{_PAIR}([:\-]){_PAIR}(?:\1{_PAIR}){{4}}|{_FOUR}\.{_FOUR}\.{_FOUR})(?![\w:\-]|\.[0-9A-Fa-f])"
)


def _is_mac(match: re.Match[str]) -> int | None:
    """Not one without a letter, which may be a date and an hour, unless colons part it; not of all or none."""
    digits = match[0].replace(":", "").replace("-", "").replace(".", "").lower()
    plain = digits.isdigit() and ":" not in match[0]
    return None if plain or len(set(digits)) == 1 else match.end()


MAC = PatternRecognizer(
    (
        Rule(
            "mac.eui_48",
            "MAC",
            0.9,
            _EUI_48,
            _is_mac,
            probes=(
                head(rf"{_PAIR}[:\-](?:{_PAIR}[:\-]){{4}}{_PAIR}", 17, alone=r"\w:.\-"),
                head(rf"{_FOUR}\.{_FOUR}\.{_FOUR}", 14, alone=r"\w:.\-"),
            ),
        ),
    ),
    chars=r"0-9A-Fa-f:.\-",
    begins=r"(?<![\w:.\-])[0-9A-Fa-f]",
    max_chars=17,
)

_IMEI_WORDS = Words(("imei", "imei number", "imeisv", "device id", "device identifier", "handset", "equipment id"))

IMEI = PatternRecognizer(
    (
        Rule(
            "imei.luhn",
            "IMEI",
            0.9,
            rf"{FREE_BEFORE}[0-9]{{2}}([ \-]?)[0-9]{{6}}\1[0-9]{{6}}\1[0-9]{FREE_AFTER}",
            checked(passes_luhn),
            words=_IMEI_WORDS,
            probes=_IMEI_WORDS.probes(2, 0, 18, lettered=False),
            starts=starting("0-9", alone=ALONE),
        ),
    ),
    chars=r"0-9 .\-/",
    begins="[0-9]",
    max_chars=18,
)

_USER = r"""[^\s:@/"'<>?#]{0,80}"""
_AFTER_COLON = r"""[^\s@/"'<>?#]{1,200}"""
_REST = r"""[^\s"'<>`\u0250-\U0010ffff]{1,500}"""


def _has_password(match: re.Match[str]) -> int | None:
    """Not where a program puts it in (`$PASSWORD`, `{password}`, `<password>`), nor stars."""
    secret = match["password"]
    if secret[0] in "$%{[" or set(secret) <= set("*xX."):
        return None
    return match.end() - (len(match[0]) - len(match[0].rstrip(").,;]}\\")))


URL = PatternRecognizer(
    (
        Rule(
            "url.credentials",
            "URL",
            0.95,
            rf"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{{1,24}}://{_USER}:(?P<password>{_AFTER_COLON})@{_REST}",
            _has_password,
            needs=("://",),
            probes=(Probe(r"""://[^\s@/"'<>?#]{1,282}@""", 312, 5, without=" \n"),),
            starts=starting("A-Za-z", alone=r"A-Za-z0-9+.\-"),
        ),
    ),
    chars=r"""^\s"'<>`""",
    begins=r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,24}"
    rf"(?:\Z|:(?:\Z|/(?:\Z|/{_USER}(?:\Z|:[^\s@/?#]{{0,200}}(?:\Z|@)))))",
    max_chars=840,
)
