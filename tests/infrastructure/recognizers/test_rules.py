"""What is none: numbers, versions and words that look like personal data."""

import pytest

from nexxi_cli.infrastructure.recognizers import RECOGNIZERS, SCANNER
from nexxi_cli.infrastructure.recognizers.card import passes_luhn
from nexxi_cli.infrastructure.recognizers.iban import passes_mod_97
from tests.infrastructure.recognizers.examples import ALL, IN_CONTEXT

# whose last digit checks nothing: ITIN, EIN, NINO, PAN, Medicare, the numbers of Denmark and (since 2020) Korea
WITHOUT_CHECK = {
    *(("", data) for data in ("912-71-1234", "AB 12 34 56 C", "ABCPE1234F", "900101-1234567")),
    *(("EIN ", "12-3456789"), ("CPR ", "010185-1234"), ("Medicare card ", "2123 45670 1")),
}


def found(text: str) -> set[tuple[str, str]]:
    return {(finding.type, text[finding.start : finding.end]) for finding in SCANNER.find(text)}


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
        "2026-11-25T02:54:46.123Z INFO [main] c.e.App - Started App in 3.456 seconds (JVM running for 4.123)",
        '127.0.0.1 - - [25/Nov/2026:02:54:46 +0000] "GET /index.html HTTP/1.1" 200 612 Chrome/120.0.0.0',
        "Nov 25 02:54:46 host sshd[12345]: Failed password for invalid user admin from port 22 ssh2",
        "Nov 25 02:54:46 host kernel: [12345.678901] usb 1-1: new high-speed USB device number 4 using xhci_hcd",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id 123e4567-e89b-12d3-a456-426614174000 traceId=4bf92f3577b34da6a3ce929d0e0e4736 spanId=00f067aa0ba902b7",
        "user_id=1234567890 order_id=9876543210 phone_count=3 call took 1234567 ns",
        "price 1,234,567.89 EUR, total: 12345678.90; 2024.01.02.123456",
        "version 10.0.19045.1234, build 20261125-1234, release v2026.11.25",
        'max_tokens=512 token_count: 128 tokens: 4096 token_type=bearer "usage": {"prompt_tokens": 12345678}',
        "password: required, Password must be at least 8 characters. Forgot password? password reset",
        'token = get_token() secret = os.environ["SECRET"] api_key=${API_KEY} password=$PASSWORD password="<password>"',
        "PASSWORD_HASH_ITERATIONS=100000 key: value cache_key=user:12345:profile primary_key=id",
        "ERROR code 0x80070005 at 0x00007ff6d3c1a2b4 in module.dll",
        "epoch 1700000000 1700000000123 1700000000123456 elapsed 0.1234 0.5678 loss 0.1234, 0.5678, 0.9012",
        "pos 1.2345, 2.3456, 3.4567 bbox 12.5, 13.25, 100.125, 200.5",
        "The train leaves at 10:15 from platform 9; Flight BA2490 seat 12A; Room 101; Chapter 5 Section 12",
        "She was born in 1985 in a town of 25 000 people. Our office has 120 employees and 12345 customers",
        "In 2024 the Company Way of Working changed. 100 Days of Code; 50 Shades of Grey; 12 Angry Men",
        "The public library relic, policy and application of 12345678 licensed items",
        "std::vector<int> abc::def Foo::Bar 12:34:56 10:15:30:123",
        "npm install foo@1.2.3 user@localhost logo@2x.png git@github.com:ada/engine.git",
        "https://example.com/path?id=123456789&q=abc http://user@host/path",
        "ISBN 978-3-16-148410-0 DOI 10.1000/182 ISSN 2049-3630",
        "AB12CD34 DE12345 X12345 A1 B2 C3 K8S S3 EC2 H264 MP4A SHA512 UTF8 RFC5322 ISO8601",
        "MAC address 00:00:00:00:00:00 ff:ff:ff:ff:ff:ff; range 10-20-30-40-50-60",
        "DATABASE TRANSFER COMPLETE FUNCTION OPERATOR KEYBOARD swift code review in Swift: STANDARD LIBRARY",
        "2 x 4 = 8; 3 3 3 ; 123 456 789 widgets ; 1234 5678 9012 units; part no 123-456-789",
        "row 1234567 col 89 line 12345678 bytes 123456789 pid 4194304 port 65535 status 200",
        "a[::2], b[0::2], c[1::2], section 2.3.4.1 and Git 1.8.1.3",
        "Boston, MA 02110-1301",
        "13.5 mg/dl, 17850 leucocytes",
        "The address is in RFC 4291, see RFC 2373 2; Ava has 20 apples and called it 2003; an avenue of 12 trees",
        "Monitoring 5, 2000 Requests; Version 3, 2019 Edition; iPad 9, 1024 Pixels; Berlin 3, Paris 2",
        "self.password = to_bytes(password), password=auth_info[0]",
    ],
)
def test_an_ordinary_text_holds_no_personal_data(text: str) -> None:
    assert types_in(text) == set()


def test_a_postcode_alone_needs_its_word_before_it() -> None:
    assert types_in("My zip code is 35649.") == {"ADDRESS"}
    assert types_in("PLZ: 10115") == {"ADDRESS"}
    assert types_in("The code is 35649, zipped 10115 files") == set()


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


@pytest.mark.parametrize("frame", ['private_key="{}"', "token={}", 'secret: "{}"'])
def test_a_long_secret_is_taken_out_as_a_whole(frame: str) -> None:
    value = "a1B2c3D4" * 400
    assert found(frame.format(value)) == {("SECRET", value)}


NUMBERS = [
    (type_, before, data, after)
    for type_, before, data, after in [*((type_, "", data, "") for type_, data in ALL), *IN_CONTEXT]
    if type_ in ("CARD", "IBAN", "IMEI", "NATIONAL_ID")
    if (before, data) not in WITHOUT_CHECK and before != "tax identification number "  # of any country
]


@pytest.mark.parametrize(("type_", "before", "data", "after"), NUMBERS)
def test_a_wrong_last_digit_is_noticed(type_: str, before: str, data: str, after: str) -> None:
    at = max(place for place, char in enumerate(data) if char.isdigit())
    for digit in "0123456789":
        wrong = data[:at] + digit + data[at + 1 :]
        if digit != data[at]:
            assert (type_, wrong) not in found(before + wrong + after)


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
