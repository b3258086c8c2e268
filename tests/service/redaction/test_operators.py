"""What stands for a value, by each operator."""

import re

import pytest

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.redaction.cipher import KEY_BYTES, TokenCipher
from nexxi_cli.service.redaction.fakes import Fake, luhn_digit
from nexxi_cli.service.redaction.keys import Hash, RedactionKey
from nexxi_cli.service.redaction.operators import Mask, Operators, Replace
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms
from nexxi_cli.service.redaction.sealing import Encrypt
from tests.infrastructure.recognizers.examples import ALL
from tests.service.redaction.searches import SEARCH

KEY = RedactionKey(b"a key of the tests")
OTHER = RedactionKey(b"another key of the tests")


@pytest.mark.parametrize(
    ("type_", "value", "masked"),
    [
        ("CARD", "4111 1111 1111 1111", "**** **** **** 1111"),
        ("EMAIL", "ada@example.com", "***@*******.com"),
        ("PHONE", "12-34", "**-**"),
        ("SECRET", "a-b\r\nc d", "***\r\n***"),
    ],
)
def test_a_mask_keeps_length_and_shape(type_: str, value: str, masked: str) -> None:
    assert Mask().apply(type_, value) == masked


def test_a_type_can_have_an_operator_of_its_own() -> None:
    operators = Operators(Replace(), {"IP": Mask()})
    text = "a@b.cd 10.0.0.1!"
    findings = [Finding(100, 106, "EMAIL", 1, "x"), Finding(107, 115, "IP", 1, "x")]
    assert operators.render(text, 100, findings) == "<EMAIL> **.*.*.*!"


@pytest.mark.parametrize("make", [Hash, Fake, lambda key: Encrypt(TokenCipher(key.derived("e", KEY_BYTES)))])
def test_what_stands_for_a_value_depends_on_the_value_the_type_and_the_key_alone(make: type[Hash]) -> None:
    once, again, otherwise = make(KEY), make(KEY), make(OTHER)
    assert once.apply("EMAIL", "ada@x.org") == again.apply("EMAIL", "ada@x.org")
    assert once.apply("EMAIL", "ada@x.org") != once.apply("EMAIL", "bob@x.org")
    assert once.apply("EMAIL", "ada@x.org") != otherwise.apply("EMAIL", "ada@x.org")
    assert once.apply("SECRET", "12345678x") != once.apply("PHONE", "12345678x")


def test_a_hash_shows_the_type_and_64_bits() -> None:
    assert re.fullmatch("<EMAIL#[0-9a-f]{16}>", Hash(KEY).apply("EMAIL", "ada@x.org"))


@pytest.mark.parametrize(("type_", "value"), ALL)
def test_a_fake_is_of_the_same_type_and_another_value(type_: str, value: str) -> None:
    fake = Fake(KEY).apply(type_, value)
    assert fake != value
    if type_ in ("EMAIL", "CARD", "IBAN", "IP"):
        assert [finding.type for finding in SEARCH.find(f"see {fake} there")] == [type_]


def test_fakes_come_from_ranges_that_belong_to_nobody() -> None:
    fake = Fake(KEY)
    assert fake.apply("EMAIL", "ada@x.org").endswith("@example.com")
    assert re.match(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.", fake.apply("IP", "10.0.0.1"))
    assert fake.apply("IP", "fe80::1").startswith("2001:db8:")
    assert re.fullmatch(r"\+1 \(\d{3}\) 555-01\d\d", fake.apply("PHONE", "+1 (212) 555-1234"))
    assert re.fullmatch(r"\+49 3\d \d{6}", fake.apply("PHONE", "+49 30 123456"))
    card = fake.apply("CARD", "4111-1111-1111-1111")
    assert re.fullmatch(r"4242-42\d\d-\d{4}-\d{4}", card)
    assert luhn_digit(card.replace("-", "")[:-1]) == card[-1]


@pytest.mark.parametrize("value", ["", "\udcff\ud800", "é", "x" * 70_000])
@pytest.mark.parametrize("type_", ["EMAIL", "PHONE", "CARD", "IBAN", "IP", "MAC", "SSN", "URL", "GPS", "SECRET", "ANY"])
def test_odd_values_break_no_operator(type_: str, value: str) -> None:
    for operator in (Replace(), Mask(), Hash(KEY), Fake(KEY), Pseudonyms()):
        assert isinstance(operator.apply(type_, value), str)


def test_the_same_value_has_the_same_pseudonym_and_each_type_counts_for_itself() -> None:
    pseudonyms = Pseudonyms()
    given = [pseudonyms.apply(*one) for one in (("EMAIL", "a"), ("EMAIL", "b"), ("IP", "a"), ("EMAIL", "a"))]
    assert given == ["<EMAIL_1>", "<EMAIL_2>", "<IP_1>", "<EMAIL_1>"]
    assert pseudonyms.value_of("EMAIL_2") == "b"


def test_a_placeholder_that_came_from_elsewhere_is_given_to_nobody() -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.avoid("as <EMAIL_7> said to <EMAIL_3>")
    assert pseudonyms.apply("EMAIL", "a") == "<EMAIL_8>"


def test_a_key_shows_nothing_of_itself() -> None:
    assert "tests" not in repr(KEY)
    assert KEY.derived("map") != KEY.derived("hash")
    assert len(KEY.derived("encrypt", 64)) == 64
