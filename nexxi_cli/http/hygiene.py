"""Headers that keep browsers from harm (OWASP REST security cheat sheet), and HTTPS where it is asked for."""

from collections.abc import Collection

from nexxi_cli.core.errors import Forbidden
from nexxi_cli.http.asgi import ASGIApp, Message, Receive, Scope, Send, add_headers

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
DOCS_POLICY = (  # what FastAPI's page of the OpenAPI document loads
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; style-src https://cdn.jsdelivr.net;"
    " img-src data: https://fastapi.tiangolo.com; connect-src 'self'; frame-ancestors 'none'"
)
HSTS = "max-age=63072000"
"""Two years, as RFC 6797 and hstspreload.org suggest; without includeSubDomains, which is the proxy's to say."""


class SecurityHeadersMiddleware:
    """Adds the headers to every response, those of errors too; a route's own go first."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = HEADERS
        if scope["path"] == "/docs":
            headers = headers | {"content-security-policy": DOCS_POLICY}
        if scope["scheme"] == "https":
            headers = headers | {"strict-transport-security": HSTS}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HttpsOnlyMiddleware:
    """Refuses what did not come over TLS; probes are exempt. The scheme is the proxy's word, if that is believed."""

    def __init__(self, app: ASGIApp, *, exempt: Collection[str]) -> None:
        self._app = app
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what came safely. Raises Forbidden."""
        if scope["type"] == "http" and scope["scheme"] != "https" and scope["path"] not in self._exempt:
            raise Forbidden("this server answers over HTTPS only")
        await self._app(scope, receive, send)
