"""Telephone numbers in the forms that are told from other numbers without their context.

ITU-T E.164: at most 15 digits, country code first; the North American Numbering Plan: 3-3-4; national numbers with
the trunk prefix 0 (ITU-T E.123) in groups. Others need words beside them to be told from dates, versions and prices.
"""

import re
from functools import cache

from nexxi_cli.infrastructure.recognizers.checksums import is_short_date
from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import WIDE, Probe, head
from nexxi_cli.infrastructure.recognizers.words import Words

_BLANK = r" \u00a0\u202f"
_DASH = r"\-\u2010\u2011\u2013"
_GAP = rf"[{_BLANK}{_DASH}.()]{{0,2}}"
_INTERNATIONAL = rf"(?<![\w+.])(?:\+|00(?=[{_BLANK}{_DASH}.1-9]))(?:{_GAP}[0-9]){{8,15}}(?![0-9])"
_TEN_DIGITS = (
    rf"(?<![\w+.{_DASH}])(?:1[{_BLANK}{_DASH}.])?(?:"
    rf"\([0-9]{{3}}\)[{_BLANK}]?[0-9]{{3}}[{_BLANK}{_DASH}.][0-9]{{4}}"
    r"|[0-9]{3}([\-.\u2010\u2011\u2013])[0-9]{3}\1[0-9]{4}"
    rf"|[2-9][0-9]{{2}}([{_BLANK}])[2-9][0-9]{{2}}\2[0-9]{{4}}"
    rf")(?![0-9]|[{_DASH}.][0-9])"
)
_TRUNK = (
    rf"(?<![\w+.,/{_DASH}])(?<![0-9] )(?:\(0[0-9]{{1,4}}\)(?:[{_BLANK}{_DASH}.]?[0-9]){{6,8}}"
    rf"|0[1-9](?:[{_BLANK}{_DASH}.]?[0-9]){{7,9}})(?![\w]|[{_BLANK}{_DASH}.,][0-9])"
)
_SEPARATOR = rf"[ \-.{WIDE}]"
_PLUS = tuple(
    head(begin, least, alone=r"\w+.")
    for begin, least in (
        (r"\+[1-9]", 2),
        (rf"\+[ \-.(){WIDE}][1-9]", 3),
        (rf"\+[ \-.(){WIDE}]{{2}}[1-9]", 4),
        ("00[1-9]", 3),
        (rf"00{_SEPARATOR}[0-9]", 4),
        (rf"00{_SEPARATOR}[ \-.(){WIDE}][0-9]", 5),
    )
)
_TEN = (
    head(rf"[0-9]{{3}}{_SEPARATOR}[0-9]{{3}}{_SEPARATOR}[0-9]{{4}}", 12, 14, alone="0-9"),
    head(rf"\([0-9]{{3}}\)[ {WIDE}]?[0-9]{{3}}", 8, 11),
)
_ZERO = (
    Probe(rf"(?:(?:^|[^\w+.,/\- ])|(?:^|[^0-9]) )0[1-9](?:{_SEPARATOR}?[0-9]){{7}}", 16, 9),
    head(rf"\(0[0-9]{{1,4}}\){_SEPARATOR}?[0-9]", 5, 9, alone=r"\w+.,/\-"),
)
_BESIDE_WORDS = (
    rf"(?<![\w+./{_DASH}])(?<![0-9][ ,])\(?[0-9](?:[{_BLANK}{_DASH}.()/]{{0,2}}[0-9]){{5,11}}(?![\w]|[{_DASH}.,][0-9])"
)
_WORDS = Words(
    (
        *(
            "phone",
            "phone number",
            "phone no",
            "tel",
            "tel no",
            "telephone",
            "telephone number",
            "mobile",
            "mobile number",
        ),
        *(
            "cell",
            "cell number",
            "cellphone",
            "fax",
            "fax number",
            "call",
            "calling",
            "called",
            "dial",
            "reach",
            "reached",
        ),
        *("answering at", "answering", "office", "hotline", "landline", "whatsapp", "sms"),
        *("tfno", "tlfno", "tlf", "tlfn", "telf", "telef", "tfn", "tél", "gsm", "móviles", "celulares", "fijo"),
        *("telefon", "telefonnummer", "tel nr", "rufnummer", "handy", "handynummer", "mobil", "mobilnummer", "anrufen"),
        *("téléphone", "portable", "numéro", "appelez", "appeler", "teléfono", "telefono", "móvil", "movil", "celular"),
        *(
            "llame",
            "llamar",
            "cellulare",
            "telefone",
            "telemóvel",
            "telefoon",
            "mobiel",
            "komórka",
            "puhelin",
            "telefono",
        ),
    )
)
_DATE = re.compile(
    r"[0-9]{1,2}(\D)[0-9]{1,2}\1(?:19|20)[0-9]{2}(?![0-9])|(?:19|20)[0-9]{2}([\-/.])(?:0[1-9]|1[0-2])\2[0-3][0-9](?![0-9])"
)
_SIGNS = str.maketrans("0123456789", "0123456789", " \u00a0\u202f-\u2010\u2011\u2013.()+")
"""No sign beside the digits of an international number; they are named since `str.translate` is slow without."""
_EXTENSION = re.compile(r"[ ,]?(?:x|ext\.?)[ ]?[0-9]{1,5}(?![0-9])")
_FIXED_LENGTH = {"1": 11, "7": 11}  # one-digit country codes: numbers in their plans have ten digits


def _international(match: re.Match[str]) -> int | None:
    number = match[0]
    digits = number.translate(_SIGNS)
    if number[0] != "+":
        if len(digits) == len(number):  # a zero-padded number
            return None
        digits = digits[2:]
    if len(digits) < 8 or digits[0] == "0":
        return None
    length = _FIXED_LENGTH.get(digits[0], len(digits))
    if len(digits) < length:
        return None
    end = match.end()
    if len(digits) > length:
        more = len(digits) - length + 1
        end = match.start() + [at for at, char in enumerate(number) if char.isdigit()][-more] + 1
    if match.string[end : end + 1].isdigit():
        return None
    return _with_extension(match.string, end)


def _ten_digits(match: re.Match[str]) -> int:
    return _with_extension(match.string, match.end())


def _trunk(match: re.Match[str]) -> int | None:
    zip_code = match[0][5:6] == "-" and len(match[0]) == 10 and match[0].replace("-", "").isdigit()  # ZIP+4
    if match[0].isdigit() or zip_code or _DATE.match(match[0]):  # an ISBN-10, a date and an hour
        return None
    return match.end()


def _beside_words(match: re.Match[str]) -> int | None:
    digits = "".join(char for char in match[0] if char.isdigit())
    plain = match[0].isdigit() and len(digits) < 9  # `the call took 1234567 ns`
    pairs = re.fullmatch(r"[0-9]{2}[^0-9][0-9]{2}[^0-9][0-9]{2}", match[0])  # of six digits no other form, and no day
    short = len(digits) == 6 and (not pairs or is_short_date(digits, "dmy") or is_short_date(digits))
    if plain or short or _DATE.match(match[0]) or "((" in match[0] or "//" in match[0]:
        return None
    return _with_others(match.string, _with_extension(match.string, match.end()))


@cache
def _another() -> re.Pattern[str]:
    """`918 038 014 / 656 352 534`: the word before the first number says what the others are."""
    return re.compile(r"(?:[ ]?/[ ]?|[ ]-[ ])[0-9](?:[ .\-]?[0-9]){6,11}(?![A-Za-z0-9_]|[\-.,][0-9])")


def _with_others(text: str, end: int) -> int:
    """The end of the numbers that follow in the same list, at most two of them."""
    for _ in range(2):
        other = _another().match(text, end)
        if other is None:
            break
        end = other.end()
    return end


def _with_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension else end


PHONE = PatternRecognizer(
    (
        Rule(
            "phone.international",
            "PHONE",
            0.85,
            _INTERNATIONAL,
            _international,
            probes=_PLUS,
            starts=starting("+0", alone=r"\w+."),
        ),
        Rule(
            "phone.ten_digits",
            "PHONE",
            0.75,
            _TEN_DIGITS,
            _ten_digits,
            probes=_TEN,
            starts=starting("(0-9", alone=rf"\w+.{_DASH}"),
        ),
        Rule(
            "phone.trunk",
            "PHONE",
            0.6,
            _TRUNK,
            _trunk,
            needs=("0",),
            probes=_ZERO,
            starts=starting("(0", alone=rf"\w+.,/{_DASH}"),
        ),
        Rule(
            "phone.beside_words",
            "PHONE",
            0.7,
            _BESIDE_WORDS,
            _beside_words,
            words=_WORDS,
            probes=_WORDS.probes(1, 2, 60, lettered=False),
            starts=starting("(0-9", alone=rf"\w+./{_DASH}"),
        ),
    ),
    chars=rf"0-9+{_BLANK}{_DASH}.(),/xet",
    begins=r"[0-9+(]",
    max_chars=140,
)
