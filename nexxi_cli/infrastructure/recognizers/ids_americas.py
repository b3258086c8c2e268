"""Numbers that the states of America give to people.

Sources: US: 20 CFR 422.103 (SSN), IRS Publication 1915 (ITIN), IRS list of EIN prefixes. Canada: ESDC, SIN code of
practice (Luhn). Brazil: Receita Federal, CPF and CNPJ (mod 11). Mexico: SEGOB, instructivo normativo de la CURP; SAT,
algorithm of the RFC's last character.
"""

from nexxi_cli.infrastructure.recognizers.card import passes_luhn
from nexxi_cli.infrastructure.recognizers.checksums import is_short_date, weighted
from nexxi_cli.infrastructure.recognizers.numbers import begins, beside_words, distinct, words

_ITIN = r"9[0-9]{2}%s(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])%s[0-9]{4}"
_US = words("itin", "irs", "taxpayer", "individual taxpayer", general=False)
_EIN = words("ein", "fein", "employer identification", "employer id", "federal tax id", "tax id", general=False)
_SSN = words("ssn", "social security", "social", "social insurance", "socialsecurity", general=False)


def _is_ssn(digits: str) -> bool:
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def _is_ein(digits: str) -> bool:
    return digits[:2] not in ("00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89")


def is_sin(digits: str) -> bool:
    """Canada's Social Insurance Number: Luhn."""
    return digits != "000000000" and passes_luhn(digits)


def _mod_11(digits: str, weights: tuple[int, ...]) -> str:
    rest = weighted(digits, weights) % 11
    return "0" if rest < 2 else str(11 - rest)


def is_cpf(digits: str) -> bool:
    """Brazil's CPF: two digits mod 11, not all the same."""
    first = _mod_11(digits, tuple(range(10, 1, -1)))
    return len(set(digits)) > 1 and digits[9:] == first + _mod_11(digits, tuple(range(11, 1, -1)))


def is_cnpj(digits: str) -> bool:
    """Brazil's CNPJ: two digits mod 11."""
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return len(set(digits)) > 1 and digits[12:] == _mod_11(digits, weights[1:]) + _mod_11(digits, weights)


_CURP_VALUES = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
_RFC_VALUES = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"


def is_curp(number: str) -> bool:
    """Mexico's CURP: a day and a digit mod 10."""
    total = sum(_CURP_VALUES.index(char) * (18 - place) for place, char in enumerate(number[:17]))
    return is_short_date(number[4:10]) and number[17] == str(-total % 10)


def is_rfc(number: str) -> bool:
    """Mexico's RFC of a person (13) or a company (12): a day and a character mod 11."""
    day = number[-9:-3]
    total = sum(_RFC_VALUES.index(char) * (13 - place) for place, char in enumerate(number[:-1].rjust(12)))
    return is_short_date(day) and number[-1] == "0123456789A0"[-total % 11]


DIGIT_RULES = (
    beside_words("us.ssn", "[0-9]{9}", _is_ssn, _SSN, type_="SSN", digits=9),
    distinct("us.itin", _ITIN % ("-", "-"), lambda _: True, begins("9[0-9]{2}-[5-9][0-9]-[0-9]{4}", 11)),
    beside_words("us.itin_bare", _ITIN % (" ?", " ?"), lambda _: True, _US, digits=3),
    beside_words("us.ein", r"[0-9]{2}-?[0-9]{7}", _is_ein, _EIN),
    beside_words(
        "ca.sin", r"[0-9]{3}([ \-]?)[0-9]{3}\1[0-9]{3}", is_sin, words("sin", "nas", "insurance", "social insurance")
    ),
    distinct("br.cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", is_cpf, begins(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-", 12)),
    beside_words("br.cpf_bare", "[0-9]{9}-?[0-9]{2}", is_cpf, words("cpf", "contribuinte"), digits=9),
    distinct(
        "br.cnpj",
        r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}",
        is_cnpj,
        begins(r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/", 11),
    ),
    beside_words("br.cnpj_bare", "[0-9]{12}-?[0-9]{2}", is_cnpj, words("cnpj", "empresa"), digits=12),
)

LETTER_RULES = (
    distinct(
        "mx.curp",
        "[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z][0-9]",
        is_curp,
        begins("[A-Z]{4}[0-9]{6}[HMX]", 11),
    ),
    distinct(
        "mx.rfc",
        "[A-ZÑ&]{3,4}[0-9]{6}[A-Z0-9]{2}[0-9A]",
        is_rfc,
        begins(r"[A-Z&?\xd1]{3,4}[0-9]{6}[A-Z0-9]{3}", 12, 13),
    ),
    beside_words(
        "mx.rfc_named",
        "[A-ZÑ&]{3,4}[0-9]{6}[A-Z0-9]{3}",
        lambda number: is_short_date(number[-9:-3]),
        words("rfc", "registro federal", "contribuyente", general=False),
        digits=6,
        lead=4,
    ),
)
