"""Every byte comes out as it went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.service.redaction.encodings import TextCodec, is_binary


def there_and_back(raw: bytes, step: int) -> bytes:
    codec = TextCodec()
    text = "".join(codec.decode(raw[at : at + step]) for at in range(0, len(raw), step)) + codec.finish()
    return codec.encode(text) + codec.tail


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]), st.integers(1, 5))
def test_any_bytes_come_back(raw: bytes, mark: bytes, step: int) -> None:
    assert there_and_back(mark + raw, step) == mark + raw


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00\xd8", b"\xff\xfe\x00\xd8\x41", b"\xfe\xff\xd8\x00a\x00\xdc", b"\xff", b"\xfe"]
)
def test_halves_of_pairs_and_of_units_come_back(raw: bytes) -> None:
    assert there_and_back(raw, 1) == there_and_back(raw, 100) == raw


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_is_read_as_text(encoding: str) -> None:
    assert TextCodec().decode("\ufeffé ada@x.org".encode(encoding)) == "\ufeffé ada@x.org"


def test_a_nul_makes_a_file_binary_unless_it_is_utf_16() -> None:
    assert is_binary(b"\x7fELF\0")
    assert not is_binary("\ufeffa".encode("utf-16-le"))
    assert not is_binary(b"\xff\x80text")
