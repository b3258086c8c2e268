"""What the suites of a Redis in trouble share: every call of a store, and what it says instead of an answer."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from nexxi_cli.core.errors import StoreUnavailable
from nexxi_cli.core.ports import SessionStore
from tests.contracts.sessions import a_session, a_turn

Call = Callable[[SessionStore, UUID], Awaitable[Any]]

OF_ONE_SESSION: dict[str, Call] = {
    "load": lambda store, session_id: store.load(session_id),
    "append": lambda store, session_id: store.append(session_id, a_turn()),
    "truncate": lambda store, session_id: store.truncate(session_id, 0),
    "set_system": lambda store, session_id: store.set_system(session_id, "Be brief."),
    "rename": lambda store, session_id: store.rename(session_id, "play"),
    "delete": lambda store, session_id: store.delete(session_id),
}
CALLS: dict[str, Call] = OF_ONE_SESSION | {
    "create": lambda store, session_id: store.create(a_session()),
    "find": lambda store, session_id: store.find("ada", "work"),
    "recent": lambda store, session_id: store.recent("ada", limit=9),
}


async def refusal_of(call: Awaitable[Any], *, secret: str | None = None) -> str:
    """What the store says instead of an answer: one line."""
    with pytest.raises(StoreUnavailable) as refusal:
        await call
    message = str(refusal.value)
    assert "\n" not in message
    assert secret is None or secret not in message
    return message
