"""TokenCipher: `<EMAIL#...>`, which the key opens again. The only file that knows AES-SIV.

AES-SIV (RFC 5297) without a nonce is deterministic: the same value of a type becomes the same token, so that tables can
still be joined and logs grouped; who reads the tokens learns which values are equal, and nothing else. A token that was
changed does not open.
"""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES = 64
"""Two keys of AES-256."""

TAG_BYTES = 16


class TokenCipher:
    """Seals values of a type, and opens what it sealed."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def seal(self, type_: str, value: str) -> str:
        """The token, in the alphabet of URLs (RFC 4648, 5) without padding."""
        raw = value.encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(self._cipher.encrypt(raw, [type_.encode()])).decode().rstrip("=")

    def open(self, type_: str, token: str) -> str | None:
        """What was sealed; None where the key is another one, or the token is none."""
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        if len(sealed) <= TAG_BYTES:
            return None
        try:
            return self._cipher.decrypt(sealed, [type_.encode()]).decode("utf-8", "surrogatepass")
        except InvalidTag:
            return None
