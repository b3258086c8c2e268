"""Numbers of passports and driver's licences, which only the words beside them tell from others.

ICAO Doc 9303 gives a passport number nine letters or digits at most; licence numbers have the shapes that AAMVA and the
states publish: mostly 5 to 16 letters and digits.
"""

import re

from nexxi_cli.infrastructure.recognizers.numbers import ALONE, FREE_AFTER
from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.words import Words

_BEFORE = r"(?<![\w.\-/+])"
_PASSPORT = Words(
    (
        *("passport", "passport number", "passport no", "reisepass", "reisepassnummer", "passnummer", "passeport"),
        *("pasaporte", "passaporto", "passaporte", "paspoort", "paspoortnummer", "paszport", "passi", "pasaport"),
        *("パスポート", "여권", "护照", "паспорт"),
    )
)
_LICENSE = Words(
    (
        *("driver's license", "driver's licence", "drivers license", "drivers licence", "driver license"),
        *("driver\u2019s license", "driver\u2019s licence", "driving license", "driving licence", "driver licence"),
        *("driver's licence number", "license number", "licence number", "dl number"),
        *("driver's license number", "drivers license number", "driver license number", "driving licence number"),
        *("führerschein", "führerscheinnummer", "permis de conduire", "permis", "permiso de conducir"),
        *(
            "carnet de conducir",
            "licencia de conducir",
            "patente",
            "patente di guida",
            "rijbewijs",
            "carta de condução",
        ),
        *("cnh", "prawo jazdy", "körkort", "kørekort", "førerkort", "ajokortti"),
    )
)


def _is_number(match: re.Match[str]) -> int | None:
    """At least half of it are digits, and no fewer than four, one of them among the last four."""
    digits = sum(char.isdigit() for char in match[0])
    if match[0][-4:].isalpha():
        return None
    return match.end() if digits >= 4 and digits * 2 >= len(match[0].replace("-", "")) - 2 else None


DOCUMENTS = PatternRecognizer(
    (
        Rule(
            "passport.words",
            "PASSPORT",
            0.85,
            rf"{_BEFORE}[A-Za-z0-9]{{1,3}}[0-9][A-Za-z0-9]{{3,7}}{FREE_AFTER}",
            _is_number,
            words=_PASSPORT,
            probes=_PASSPORT.probes(1, 3, 12),
            starts=starting("A-Za-z0-9", alone=ALONE),
        ),
        Rule(
            "driver_license.words",
            "DRIVER_LICENSE",
            0.85,
            rf"{_BEFORE}(?:[A-Za-z]{{1,7}}-?)?[0-9][A-Za-z0-9]{{0,5}}(?:-?[A-Za-z0-9]{{2,6}}){{1,3}}{FREE_AFTER}",
            _is_number,
            words=_LICENSE,
            probes=_LICENSE.probes(1, 8, 34),
            starts=starting("A-Za-z0-9", alone=ALONE),
        ),
    ),
    chars=r"A-Za-z0-9\-./",
    begins=r"(?<![\w.\-/+])[A-Za-z0-9]",
    max_chars=34,
)
