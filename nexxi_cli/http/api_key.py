"""APIKeyMiddleware: who is calling. Everything is behind a key but an explicit list of paths."""

from collections.abc import Collection

from nexxi_cli.core.access import LOCAL_OWNER, SCOPES, Caller
from nexxi_cli.core.access import Scope as AccessScope
from nexxi_cli.core.errors import Forbidden, NotAuthorised, QuotaExceeded
from nexxi_cli.core.events import QuotaRefused
from nexxi_cli.core.ports import Observer
from nexxi_cli.http.asgi import ASGIApp, Receive, Scope, Send
from nexxi_cli.http.record import record_of
from nexxi_cli.service.key_ring import KeyRing
from nexxi_cli.service.strangers import AddressLimiter

OPEN_DOOR = Caller(LOCAL_OWNER, "none", "open-door", frozenset(SCOPES), None, None)
"""Whoever calls a server that asks for no key."""

MISSING = "no API key: send one as `X-API-Key: ...` or `Authorization: Bearer ...`"

SCOPE_OF: dict[str, AccessScope] = {"/metrics": "metrics"}
"""Which scope a path needs; one that is not here needs `chat`."""


class APIKeyMiddleware:
    """Puts the Caller on the request's record. Raises NotAuthorised, Forbidden, and QuotaExceeded for too many tries.

    A valid key is let through whatever others at its address have tried.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeyRing | None,
        strangers: AddressLimiter,
        public: Collection[str],
        observer: Observer,
    ) -> None:
        """`keys` is None for a server that asks for none; `public` are the paths that anybody may call."""
        self._app = app
        self._keys = keys
        self._strangers = strangers
        self._public = frozenset(public)
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who may pass."""
        if scope["type"] == "http" and scope["path"] not in self._public:
            caller = await self._caller(scope) if self._keys is not None else OPEN_DOOR
            record_of(scope).caller = caller
            needed = SCOPE_OF.get(scope["path"], "chat")
            if not caller.may(needed):
                raise Forbidden(f"this key is not for that: it needs the scope {needed!r}")
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        assert self._keys is not None
        presented = _presented(scope)
        try:
            if presented is None:
                raise NotAuthorised(MISSING)
            return await self._keys.caller(presented)
        except NotAuthorised:
            address = scope["client"][0] if scope.get("client") else "unix socket"
            try:
                await self._strangers.failed(address)
            except QuotaExceeded:
                self._observer.notify(QuotaRefused("address"))
                raise
            raise


def _presented(scope: Scope) -> str | None:
    """The key as it was sent, `X-API-Key` before `Authorization: Bearer` (RFC 6750)."""
    bearer: str | None = None
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value.decode("latin-1")).strip()
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            bearer = token.strip() if scheme.lower() == "bearer" else bearer
    return bearer
