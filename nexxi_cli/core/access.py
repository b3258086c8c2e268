"""Who may call the API and how much: keys as they are stored, callers as the service knows them, allowances."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Scope = Literal["chat", "metrics", "admin"]
"""chat: /v1, /docs; metrics: /metrics; admin: everything."""

KeyState = Literal["live", "expired", "revoked"]

LOCAL_OWNER = "local"
"""Whose the sessions of this machine's command line are."""

SCOPES: tuple[Scope, ...] = ("chat", "metrics", "admin")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, without its secret: `digest` is a keyed hash of the whole key, so a stolen database opens nothing.

    owner: whose sessions it sees; a rotated key has the owner of the one before it. Limits of None are the settings'.
    """

    key_id: str
    name: str
    owner: str
    digest: bytes
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it opens the door at this moment."""
        return self.state(now) == "live"

    def state(self, now: datetime) -> KeyState:
        """What has become of it at this moment."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if self.expires_at is None or now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from. `key_name` is for logs, `quota` names what the limits count; None: not limited."""

    owner: str
    key_name: str
    quota: str
    scopes: frozenset[Scope]
    requests_per_minute: int | None
    tokens_per_minute: int | None

    def may(self, scope: Scope) -> bool:
        """Whether a request of this scope is his to make."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a limiter says: whether the amount was granted, and how much is left of `limit` in the window.

    reset_s: until everything is free again if nothing more is taken. retry_after_s: when a refused amount will be
    granted if nobody else takes it, 0 when it was granted, infinite when it is more than the limit.
    slot: which part of the window the amount was booked in; `settle` wants it back.
    """

    granted: bool
    limit: int
    remaining: int
    reset_s: float
    retry_after_s: float
    slot: int
