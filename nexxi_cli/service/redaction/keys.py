"""RedactionKey: one secret, from which each use has a key of its own. Knows where no secret comes from."""

import hashlib
import hmac
from dataclasses import dataclass, field

MIN_BYTES = 16
"""128 bits, if they are random: what NIST SP 800-57 part 1 asks of a key beyond 2030."""

HASH_CHARS = 16
"""Of a hash in hexadecimal: 64 bits. Among a million values two have the same with a chance of 1 in 37 million."""


@dataclass(frozen=True, slots=True)
class RedactionKey:
    """A secret of at least MIN_BYTES bytes."""

    secret: bytes = field(repr=False)

    def derived(self, purpose: str, size_bytes: int = 32) -> bytes:
        """A key for one purpose: HKDF-Expand with SHA-256 (RFC 5869, 2.3) of the secret's hash."""
        pseudorandom = hashlib.sha256(self.secret).digest()
        out = block = b""
        while len(out) < size_bytes:
            block = hmac.digest(pseudorandom, block + purpose.encode() + bytes([len(out) // 32 + 1]), "sha256")
            out += block
        return out[:size_bytes]


class Hash:
    """`<EMAIL#1f0c...>`: the same for the same value and key, HMAC-SHA-256 (RFC 2104); no way back."""

    def __init__(self, key: RedactionKey) -> None:
        self._key = key.derived("hash")

    def apply(self, type_: str, value: str) -> str:
        """The type and the beginning of the value's keyed hash."""
        digest = hmac.digest(self._key, f"{type_}:{value}".encode("utf-8", "surrogatepass"), "sha256")
        return f"<{type_}#{digest.hex()[:HASH_CHARS]}>"

    def settle(self) -> None:
        """Nothing is kept."""
