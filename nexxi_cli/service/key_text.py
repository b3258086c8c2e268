"""What a key of the API looks like, and by what it is known again. Knows no store and no clock."""

import hmac
import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_CHARS = 256
"""Nobody has a longer key, so none is hashed."""

Digest = Callable[[str], bytes]
"""Any text to 32 bytes, under a secret that is not in the database."""

_ID_CHARS = 8
_ID_ALPHABET = string.ascii_letters + string.digits  # no dash: `nexxi keys revoke -x...` would be an option
_SECRET_BYTES = 32
_KEY = re.compile(rf"nxi_([A-Za-z0-9]{{{_ID_CHARS}}})_[A-Za-z0-9_-]{{43}}")  # 32 bytes in base64url, RFC 4648, 5


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as its owner has it: `nxi_`, an id that is no secret, `_`, and the secret."""

    key_id: str
    text: str = field(repr=False)


def new_key_text() -> KeyText:
    """A key that nobody else has."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))
    return KeyText(key_id, f"nxi_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}")


def key_id_in(text: str) -> str | None:
    """The id in what looks like a key of ours, or None."""
    match = _KEY.fullmatch(text)
    return match[1] if match else None


def keyed_digest(secret: str, text: str) -> bytes:
    """HMAC-SHA256 (RFC 2104) of any text, also one that is no valid Unicode."""
    return hmac.digest(_bytes(secret), _bytes(text), "sha256")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
