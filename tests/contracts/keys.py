"""Keys for the suites."""

from dataclasses import replace
from typing import Any

from nexxi_cli.core.access import ApiKey
from tests.contracts.sessions import at


def a_key(key_id: str = "abcd1234", *, minute: float = 0, **fields: Any) -> ApiKey:
    """A key that was made at this minute, to chat with."""
    key = ApiKey(
        key_id=key_id,
        name="ci",
        owner=f"key:{key_id}",
        digest=bytes(range(32)),
        scopes=frozenset({"chat"}),
        created_at=at(minute),
    )
    return replace(key, **fields)
