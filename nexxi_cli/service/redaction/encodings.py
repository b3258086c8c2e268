"""TextCodec: bytes to text and back without a loss. UTF-8, and UTF-16 where the byte order mark says so.

Bytes that are not UTF-8 become lone surrogates (PEP 383), as do halves of pairs in UTF-16, and come out as they were.
"""

import codecs

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF_32_LE = codecs.BOM_UTF32_LE
SNIFFED_BYTES = 8192
"""Where git(1) looks for the NUL that makes a file binary."""


def encoding_of(begin: bytes) -> str:
    """The encoding of a text with this beginning."""
    return "utf-8" if begin.startswith(_UTF_32_LE) else _UTF_16.get(begin[:2], "utf-8")


def is_binary(begin: bytes) -> bool:
    """Whether it is the beginning of something that is no text: a NUL is in it and no mark of UTF-16 before it."""
    return b"\0" in begin[:SNIFFED_BYTES] and encoding_of(begin) == "utf-8"


class TextCodec:
    """One text, decoded piece by piece. What it decodes to is encoded by the same object."""

    def __init__(self) -> None:
        self._begin: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._encoding, self._errors = "utf-8", "surrogateescape"
        self._is_utf_16 = False
        self._odd = b""

    def decode(self, data: bytes) -> str:
        """The text of the next bytes, without a character that is still to be completed."""
        if self._begin is not None:
            data = self._begin + data
            self._begin = data if data in (b"", b"\xff", b"\xfe") else None
            if self._begin is not None:
                return ""
            if encoding_of(data) != "utf-8":
                self._encoding, self._errors = encoding_of(data), "surrogatepass"
                self._decoder = codecs.getincrementaldecoder(self._encoding)(self._errors)
                self._is_utf_16 = True
        if self._is_utf_16:
            data = self._odd + data
            even = len(data) & ~1
            data, self._odd = data[:even], data[even:]
        return self._decoder.decode(data)

    def finish(self) -> str:
        """The text of what was left incomplete."""
        if self._begin:
            data, self._begin = self._begin, None
            return self._decoder.decode(data, final=True)
        if self._is_utf_16:  # half of a pair is two bytes that the decoder waits with
            waiting, _ = self._decoder.getstate()
            return waiting.decode(self._encoding, "surrogatepass") if len(waiting) == 2 else ""
        return self._decoder.decode(b"", final=True)

    def encode(self, text: str) -> bytes:
        """The bytes of a text."""
        return text.encode(self._encoding, self._errors)

    @property
    def tail(self) -> bytes:
        """What stood after the last whole unit of UTF-16; it goes out last."""
        return self._odd
