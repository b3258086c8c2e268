"""Numbers that the states of Africa, Asia and Oceania give to people.

Sources: India: UIDAI (Aadhaar, Verhoeff), Income Tax Department (PAN). Australia: ATO (TFN, ABN mod 89), Services
Australia (Medicare). South Africa: Department of Home Affairs (Luhn). Korea: resident registration act (no check digit
since October 2020). Japan: My Number act, ordinance of MIC no. 85 of 2014 (mod 11).
"""

from nexxi_cli.infrastructure.recognizers.card import passes_luhn
from nexxi_cli.infrastructure.recognizers.checksums import is_short_date, passes_verhoeff, weighted
from nexxi_cli.infrastructure.recognizers.numbers import begins, beside_words, distinct, words


def is_tfn(digits: str) -> bool:
    """Mod 11."""
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_abn(digits: str) -> bool:
    """Mod 89, the first digit less one."""
    return (weighted(digits, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def is_medicare(digits: str) -> bool:
    """The ninth digit is the sum of the eight before it mod 10."""
    return weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def is_za_id(digits: str) -> bool:
    """A day, citizenship, Luhn."""
    return is_short_date(digits[:6]) and digits[10] in "012" and passes_luhn(digits)


def is_rrn(digits: str) -> bool:
    """A day and a digit of sex and century."""
    return is_short_date(digits[:6]) and digits[6] in "12345678"


def is_my_number(digits: str) -> bool:
    """Mod 11; 0 and 1 count as 0."""
    rest = weighted(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


DIGIT_RULES = (
    beside_words(
        "in.aadhaar",
        r"[2-9][0-9]{3}([ \-]?)[0-9]{4}\1[0-9]{4}",
        passes_verhoeff,
        words("aadhaar", "aadhar", "adhar", "uidai", "uid", "आधार"),
        digits=4,
    ),
    beside_words("au.tfn", "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}", is_tfn, words("tfn", "tax file"), digits=3),
    beside_words("au.abn", "[1-9][0-9](?: ?[0-9]{3}){3}", is_abn, words("abn", "business number")),
    beside_words(
        "au.medicare",
        r"[2-6][0-9]{3}[ \-]?[0-9]{5}[ \-]?[0-9](?:[ /\-]?[0-9])?",
        is_medicare,
        words("medicare"),
        digits=4,
    ),
    distinct(
        "za.id",
        "[0-9]{2}[01][0-9][0-3][0-9]{5}[012][0-9]{2}",
        is_za_id,
        begins("[0-9]{10}[012][0-9]{2}", 13),  # with the day, Hyperscan takes an eighth longer for all
    ),
    distinct("kr.rrn", "[0-9]{6}-[1-8][0-9]{6}", is_rrn, begins("[0-9]{6}-[1-8][0-9]{6}", 14)),
    beside_words("kr.rrn_bare", "[0-9]{13}", is_rrn, words("rrn", "resident registration", "주민등록번호"), digits=13),
    beside_words(
        "jp.my_number",
        r"[0-9]{4}([ \-]?)[0-9]{4}\1[0-9]{4}",
        is_my_number,
        words("my number", "individual number", "マイナンバー", "個人番号"),
        digits=4,
    ),
)

LETTER_RULES = (
    distinct("in.pan", "[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]", lambda _: True, begins("[A-Z]{5}[0-9]{4}[A-Z]", 10)),
)
