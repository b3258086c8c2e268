"""What is none: numbers, versions and words that look like personal data."""

import pytest

from nexxi_cli.infrastructure.recognizers import RECOGNIZERS
from nexxi_cli.infrastructure.recognizers.card import passes_luhn
from nexxi_cli.infrastructure.recognizers.iban import passes_mod_97


def types_in(text: str) -> set[str]:
    return {finding.type for recognizer in RECOGNIZERS for finding in recognizer.find(text)}


def texts_in(text: str) -> set[str]:
    return {text[finding.start : finding.end] for recognizer in RECOGNIZERS for finding in recognizer.find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "on 2024-01-02 at 10:15:30",
        "on 01.02.2024 12:30 and 01-02-2024 10",
        "version 10.0.19045.1 or v1.2.3.4, version 1.2.3.4",
        "Python 3.11.7, pip 24.0",
        "ISBN 978-0-306-40615-7, ISBN 0-306-40615-2, 0306406152",
        "in 1999 2000 and 2001 there were 1 234 567 people",
        "it costs 1,234.56 or 12 345 678",
        "pi is 3.14159265358979, e is 2.718281828",
        "order 4111111111111112 of 1234567890123456",
        "commit 4f8ac99edc86faf959885f635d375e8a2a3b209a",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "std::vector, abc::def, 12:34:56, ::1, 127.0.0.1",
        "GB82 WEST 1234 5698 7654 33",
        "666-12-3456, 000-12-3456, 900-12-3456, 123-00-4567, 123-45-0000",
        "git@github.com:ada/engine.git, logo@2x.png, @ada, ada@localhost",
        "sk-learn-something-long-with-hyphens",
        "a PEM file begins with -----BEGIN PRIVATE KEY----- and goes on",
        "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEAx0123456789abcdefghijkl\n-----END CERTIFICATE-----",
        "UTC+0200, +100000000, 2+15551234567",
    ],
)
def test_an_ordinary_text_holds_no_personal_data(text: str) -> None:
    assert types_in(text) == set()


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("12 4111 1111 1111 1111 12/25", "4111 1111 1111 1111"),
        ("GB82 WEST 1234 5698 7654 32 AND SO ON", "GB82 WEST 1234 5698 7654 32"),
        ("call +1 555 123 4567 2024", "+1 555 123 4567"),
        ("write to ada@example.com.", "ada@example.com"),
        ("at 10.0.0.1:8080", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.0"),
    ],
)
def test_neighbours_do_not_join_a_match(text: str, whole: str) -> None:
    assert texts_in(text) == {whole}


@pytest.mark.parametrize(
    ("digits", "valid"), [("79927398713", True), ("79927398710", False), ("0", True), ("4111111111111111", True)]
)
def test_luhn_checks_the_last_digit(digits: str, valid: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert passes_luhn(digits) is valid


def test_every_one_digit_error_in_an_iban_is_noticed() -> None:
    iban = "DE89370400440532013000"
    assert passes_mod_97(iban)
    wrong = [iban[:at] + str((int(iban[at]) + 1) % 10) + iban[at + 1 :] for at in range(2, len(iban))]
    assert not any(map(passes_mod_97, wrong))
