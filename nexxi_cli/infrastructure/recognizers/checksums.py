"""Check digits that the numbers of several countries share. Each takes the characters without separators."""

from collections.abc import Iterable, Sequence
from datetime import date


def weighted(digits: str, weights: Iterable[int]) -> int:
    """The sum of the digits, each times its weight; digits past the last weight do not count."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def passes_mod_11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10: the last digit checks the others."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def passes_verhoeff(digits: str) -> bool:
    """Verhoeff, Error Detecting Decimal Codes (1969): the dihedral group D5 and a permutation of period 8."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _d5(check, _PERMUTED[place % 8][int(digit)])
    return check == 0


def _d5(left: int, right: int) -> int:
    turn = left + right if left < 5 else left - right
    return turn % 5 + (5 if (left < 5) != (right < 5) else 0)


def _permutations() -> Sequence[tuple[int, ...]]:
    first = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(first[digit] for digit in rows[-1]))
    return rows


_PERMUTED = _permutations()


def is_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day; of the year only whether it is a leap year counts."""
    try:
        date(year if year > 0 else 2000, month, day)
    except ValueError:
        return False
    return True


def is_short_date(digits: str, order: str = "ymd") -> bool:
    """Whether six digits are a day in some century: `order` says which two are year, month and day."""
    parts = {part: int(digits[at * 2 : at * 2 + 2]) for at, part in enumerate(order)}
    return is_date(2000 + parts["y"], parts["m"], parts["d"])
