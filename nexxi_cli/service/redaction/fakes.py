"""Fake: stand-ins that look like the real thing and are nobody's, the same ones for the same value and key.

They come from ranges set aside for examples where there are such ranges: RFC 2606 (example.com), RFC 5737 and 3849 (IP
addresses), RFC 9542 2.1.4 (MAC addresses), the North American 555-01xx numbers, the card numbers of payment tests, the
SSN 987-65-43xx of advertisements. Other types keep their layout: a digit for a digit, a letter for a letter.
"""

import hmac
import re
from collections.abc import Callable, Mapping

from nexxi_cli.service.redaction.keys import RedactionKey

_FIRST = ("Alex", "Billie", "Charlie", "Dana", "Eli", "Frankie", "Gray", "Hollis", "Indigo", "Jules", "Kim", "Lou")
_LAST = ("Ashby", "Birch", "Cole", "Dale", "Elm", "Frost", "Grove", "Hale", "Ives", "Lake", "Marsh", "North", "Pine")
_PLACES = ("Anytown", "Exampleton", "Fairview", "Lakeside", "Midvale", "Newbridge", "Riverton", "Springdale")
_ORGANISATIONS = ("Acme", "Example Corp", "Globex", "Initech", "Umbrella Works", "Vandelay Trading")


_TEST_CARDS = {14: "305693", 15: "378282"}
"""How test numbers of these lengths begin at the payment providers; others begin with 424242."""


class Draw:
    """Choices that a key and a value settle: HMAC-SHA-256 of the value and a counter, 32 bytes at a time."""

    def __init__(self, key: bytes, value: str) -> None:
        self._key = key
        self._value = value.encode("utf-8", "surrogatepass")
        self._bytes = b""
        self._count = 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; a limit of up to 65,536."""
        if len(self._bytes) < 4:
            self._bytes += hmac.digest(self._key, self._count.to_bytes(4, "big") + self._value, "sha256")
            self._count += 1
        number, self._bytes = int.from_bytes(self._bytes[:4], "big"), self._bytes[4:]
        return number % limit

    def one_of(self, choices: tuple[str, ...]) -> str:
        """One of them."""
        return choices[self.below(len(choices))]


class Fake:
    """The operator."""

    def __init__(self, key: RedactionKey) -> None:
        self._key = key.derived("fake")

    def apply(self, type_: str, value: str) -> str:
        """A stand-in for the value."""
        make = _MAKERS.get(type_, _same_layout)
        return make(Draw(self._key, f"{type_}:{value}"), value)

    def settle(self) -> None:
        """Nothing is kept."""


def luhn_digit(digits: str) -> str:
    """The check digit that belongs after `digits` (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)


def _same_layout(draw: Draw, value: str) -> str:
    def other(char: str) -> str:
        if "0" <= char <= "9":
            return str(draw.below(10))
        if char.isalpha():
            letter = chr(ord("a") + draw.below(26))
            return letter.upper() if char.isupper() else letter
        return char

    return "".join(map(other, value))


def _into_layout(value: str, characters: str) -> str:
    """`value` with these in the place of its letters and digits, one by one."""
    rest = iter(characters)
    return "".join(next(rest, char) if char.isascii() and char.isalnum() else char for char in value)


def _digits(draw: Draw, count: int) -> str:
    return "".join(str(draw.below(10)) for _ in range(count))


def _email(draw: Draw, value: str) -> str:
    return f"{draw.one_of(_FIRST)}.{draw.one_of(_LAST)}{draw.below(10_000)}@example.com".lower()


def _phone(draw: Draw, value: str) -> str:
    """555-01xx where the number has the North American length, else the first three digits and others after them."""
    digits = re.sub("[^0-9]", "", value)
    if (len(digits) == 10 and "+" not in value) or (len(digits) == 11 and digits[0] == "1"):
        fake = f"{digits[:-10]}{2 + draw.below(8)}{_digits(draw, 2)}55501{_digits(draw, 2)}"
    else:
        fake = digits[:3] + _digits(draw, max(0, len(digits) - 3))
    rest = iter(fake)
    return "".join(next(rest) if "0" <= char <= "9" else char for char in value)


def _card(draw: Draw, value: str) -> str:
    count = sum("0" <= char <= "9" for char in value)
    if count < 8:
        return _same_layout(draw, value)
    body = _TEST_CARDS.get(count, "424242") + _digits(draw, count - 7)
    return _into_layout(value, body + luhn_digit(body))


def _imei(draw: Draw, value: str) -> str:
    """A reporting body of 00, which numbers test equipment (GSMA TS.06)."""
    count = sum("0" <= char <= "9" for char in value)
    if count != 15:
        return _same_layout(draw, value)
    body = "00" + _digits(draw, 12)
    return _into_layout(value, body + luhn_digit(body))


def _iban(draw: Draw, value: str) -> str:
    """The same country and layout, with check digits that fit (ISO 13616-1, 6)."""
    compact = re.sub("[^A-Za-z0-9]", "", value).upper()
    if not 5 <= len(compact) <= 34:
        return _same_layout(draw, value)
    country = compact[:2]
    account = _same_layout(draw, compact[4:])
    number = int("".join(str(int(char, 36)) for char in f"{account}{country}00"))
    return _into_layout(value, f"{country}{98 - number % 97:02}{account}")


def _ip(draw: Draw, value: str) -> str:
    if ":" in value:
        return "2001:db8:" + ":".join(f"{draw.below(65_535) + 1:x}" for _ in range(6))
    return draw.one_of(("192.0.2", "198.51.100", "203.0.113")) + f".{draw.below(254) + 1}"


def _mac(draw: Draw, value: str) -> str:
    fake = f"00005e0053{draw.below(256):02x}"
    return _into_layout(value, fake.upper() if value.upper() == value else fake)


def _ssn(draw: Draw, value: str) -> str:
    return _into_layout(value, f"9876543{_digits(draw, 2)}")


def _url(draw: Draw, value: str) -> str:
    scheme = value.partition("://")[0] if "://" in value else "https"
    return f"{scheme}://user{draw.below(10_000)}:{_same_layout(draw, 'xxxxxxxx')}@example.com/"


def _gps(draw: Draw, value: str) -> str:
    """Other decimals, or minutes and seconds, within the same degree, of as many digits."""
    if "." in value:
        return re.sub(r"(?<=\.)[0-9]+", lambda match: _digits(draw, len(match[0])), value)
    sixtieths = r"(?<=[°º'\u2032 ])[0-9]{1,2}(?=['\u2032\"\u2033])"
    return re.sub(sixtieths, lambda match: f"{draw.below(6 * 10 ** (len(match[0]) - 1)):0{len(match[0])}}", value)


def _birth_date(draw: Draw, value: str) -> str:
    """Another day up to the 12th, so that it is one of any month and in any order; the year stays."""
    return re.sub(r"(?<![0-9])[0-9]{1,2}(?![0-9])", lambda match: f"{1 + draw.below(9):0{len(match[0])}}", value)


def _person(draw: Draw, value: str) -> str:
    return f"{draw.one_of(_FIRST)} {draw.one_of(_LAST)}" if " " in value else draw.one_of(_FIRST)


_MAKERS: Mapping[str, Callable[[Draw, str], str]] = {
    "EMAIL": _email,
    "PHONE": _phone,
    "CARD": _card,
    "IMEI": _imei,
    "IBAN": _iban,
    "IP": _ip,
    "MAC": _mac,
    "SSN": _ssn,
    "URL": _url,
    "GPS": _gps,
    "BIRTH_DATE": _birth_date,
    "PERSON": _person,
    "PLACE": lambda draw, value: draw.one_of(_PLACES),
    "LOCATION": lambda draw, value: draw.one_of(_PLACES),
    "ORGANISATION": lambda draw, value: draw.one_of(_ORGANISATIONS),
    "ORGANIZATION": lambda draw, value: draw.one_of(_ORGANISATIONS),
}
