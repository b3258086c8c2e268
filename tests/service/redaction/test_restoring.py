"""Placeholders become originals again, as models write them and however the text is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import NotAuthorised
from nexxi_cli.infrastructure.redaction.cipher import KEY_BYTES, TokenCipher
from nexxi_cli.service.redaction.restoring import Restorer, restored
from nexxi_cli.service.redaction.sealing import Decryptor, Encrypt
from nexxi_cli.wiring import safety_filter

KNOWN = {"EMAIL_1": "ada@x.org", "IP_2": "10.0.0.1", "BIRTH_DATE_1": "1.1.1970"}
CIPHER = TokenCipher(b"k" * KEY_BYTES)


def in_pieces(pieces: list[str]) -> str:
    restorer = Restorer(KNOWN.get)
    return "".join(map(restorer.push, pieces)) + restorer.finish()


@pytest.mark.parametrize(
    "written",
    [
        "<EMAIL_1>",
        "<email_1>",
        "< Email 1 >",
        "<EMAIL-1>",
        "&lt;EMAIL_1&gt;",
        "&#60;EMAIL_1&#62;",
        r"\<EMAIL\_1\>",
        r"\u003cEMAIL_1\u003e",
        "%3CEMAIL_1%3E",
        "<EMAIL_1",
        "EMAIL_1>",
        "EMAIL_1",
        r"EMAIL\_1",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "to {}, now", "({})", "{}\n{}"])
def test_a_placeholder_written_a_little_differently_is_restored(written: str, frame: str) -> None:
    assert restored(frame.replace("{}", written), KNOWN.get) == frame.replace("{}", "ada@x.org")


def test_brackets_of_the_original_text_stay_around_those_of_the_placeholder() -> None:
    assert restored("Ada <<EMAIL_1>>", KNOWN.get) == "Ada <ada@x.org>"


@pytest.mark.parametrize(
    "text", ["<EMAIL_2>", "<EMAIL_11>", "xEMAIL_1", "EMAIL_1x", "email_1", "email 1", "<EMAIL>", "EMAIL 1", "<b>1</b>"]
)
def test_what_may_be_something_else_stays(text: str) -> None:
    assert restored(text, KNOWN.get) == text


@given(
    st.lists(
        st.sampled_from(
            [
                "<EMAIL_1>",
                "EMAIL_1",
                "&lt;IP_2&gt;",
                "<birth date 1>",
                "<",
                ">",
                "&",
                "\\",
                " ",
                "E",
                "_",
                "1",
                "a",
                "\n",
            ]
        ),
        max_size=12,
    ).map("".join),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_any_cut_gives_what_the_whole_text_gives(text: str, cuts: list[int]) -> None:
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(bounds)]
    assert in_pieces(pieces) == restored(text, KNOWN.get) == in_pieces(list(text))


def test_only_what_may_become_a_placeholder_is_held_back() -> None:
    restorer = Restorer(KNOWN.get)
    assert restorer.push("Hello world, dear ") == "Hello world, dear "
    assert restorer.push("A") == ""
    assert restorer.push("da") == "Ada"
    assert restorer.push(" <ema") == " "
    assert restorer.push("il_1> a < b") == "ada@x.org a < b"[: len("ada@x.org a ")]


@given(st.lists(st.integers(0, 200), max_size=6))
def test_tokens_are_decrypted_however_the_text_is_cut(cuts: list[int]) -> None:
    encrypt = Encrypt(CIPHER)
    text = f"to {encrypt.apply('EMAIL', 'ada@x.org')} <b> <EMAIL> <{encrypt.apply('IP', '10.0.0.1')}> <EMAIL#"
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    decryptor = Decryptor(CIPHER)
    out = "".join(decryptor.push(text[start:end]) for start, end in pairwise(bounds))
    assert out + decryptor.finish() == "to ada@x.org <b> <EMAIL> <10.0.0.1> <EMAIL#"


def test_a_token_that_was_changed_stays_and_is_counted() -> None:
    encrypt = Encrypt(CIPHER)
    good, bad = encrypt.apply("EMAIL", "a"), encrypt.apply("EMAIL", "b").replace("EMAIL", "IP")
    decryptor = Decryptor(CIPHER)
    assert decryptor.push(f"{good} {bad}\n") == f"a {bad}\n"
    assert decryptor.unopened == 1


def test_another_key_is_found_out_at_the_first_token() -> None:
    token = Encrypt(TokenCipher(b"o" * KEY_BYTES)).apply("EMAIL", "a")
    with pytest.raises(NotAuthorised, match="another one"):
        Decryptor(CIPHER).push(token)


@pytest.mark.parametrize(
    "text",
    [
        "Write to <EMAIL_1>, born <BIRTH_DATE_1>, in <ADDRESS_12>.",
        "password=<SECRET_1> postgres://user:<SECRET_2>@db/x Ada <<EMAIL_1>>",
        "<EMAIL#ee5fd6cc0d9eee56> <SECRET#NwFheY-nCv-otAHdt76RMHbKhZprXWKxKH5cxo5f9g>",
    ],
)
def test_a_chat_lets_what_stands_for_a_value_through(text: str) -> None:
    assert safety_filter(html="redact").check_or_raise(text).text == text
