"""The ASGI protocol's types (asgi.readthedocs.io, HTTP connection scope 2.3), and small readings of a scope."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this name (in lower case), or None."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def add_headers(message: Message, headers: dict[str, str]) -> None:
    """Put headers on a message that starts a response; one that the route has set stays."""
    present = {key for key, _ in message["headers"]}
    fresh = [(key.encode(), value.encode("latin-1")) for key, value in headers.items() if key.encode() not in present]
    message["headers"] = [*message["headers"], *fresh]
