"""The ASGI application: FastAPI's routes inside our layers, in the order of a request's way."""

from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Match, Route

from nexxi_cli import __version__
from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.ports import Observer
from nexxi_cli.http.api_key import APIKeyMiddleware
from nexxi_cli.http.asgi import ASGIApp
from nexxi_cli.http.body import BodyMiddleware
from nexxi_cli.http.connection import ClientGone
from nexxi_cli.http.description import DESCRIPTION, TAGS, DescribedApp
from nexxi_cli.http.drain import DrainMiddleware
from nexxi_cli.http.envelope import error_response, internal_error, status_response
from nexxi_cli.http.exposure import PROBES, public_paths
from nexxi_cli.http.hygiene import HttpsOnlyMiddleware, SecurityHeadersMiddleware
from nexxi_cli.http.quota import Quota, QuotaMiddleware
from nexxi_cli.http.record import record_of
from nexxi_cli.http.request_logging import CLIENT_CLOSED_REQUEST, RequestLoggingMiddleware
from nexxi_cli.http.routes import chat, openai, ops, redact, sessions
from nexxi_cli.http.services import Services
from nexxi_cli.http.validation import validation_response
from nexxi_cli.service.key_ring import KeyRing
from nexxi_cli.service.strangers import AddressLimiter

ROUTERS = (chat.router, openai.router, sessions.router, redact.router, ops.router)

Layer = Callable[[ASGIApp], ASGIApp]


def create_app(
    services: Services, *, keys: KeyRing | None, strangers: AddressLimiter, quota: Quota, observer: Observer
) -> ASGIApp:
    """The whole application. `keys` is None for a server that asks for no key."""
    app: ASGIApp = _routes(services)
    for layer in reversed(_layers(services, keys=keys, strangers=strangers, quota=quota, observer=observer)):
        app = layer(app)
    return app


def _layers(
    services: Services, *, keys: KeyRing | None, strangers: AddressLimiter, quota: Quota, observer: Observer
) -> Sequence[Layer]:
    """From the outermost to the innermost."""
    settings = services.settings
    layers: list[Layer] = [
        SecurityHeadersMiddleware,
        lambda app: RequestLoggingMiddleware(app, observer=observer),
        lambda app: DrainMiddleware(app, drain=services.drain, exempt=(*PROBES, "/metrics")),
        lambda app: APIKeyMiddleware(
            app, keys=keys, strangers=strangers, public=public_paths(settings), observer=observer
        ),
        lambda app: QuotaMiddleware(app, quota=quota),
        lambda app: BodyMiddleware(app, max_bytes=settings.max_body_bytes),
    ]
    if settings.require_https:
        layers.insert(2, lambda app: HttpsOnlyMiddleware(app, exempt=PROBES))
    if settings.cors_origins:
        layers.insert(2, lambda app: _with_cors(app, settings.cors_origins))
    return layers


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PATCH", "DELETE"),
        allow_headers=("authorization", "content-type", "x-api-key", "x-request-id"),
        expose_headers=("x-request-id", "retry-after"),
    )


def _routes(services: Services) -> FastAPI:
    app = DescribedApp(
        title="Nexxi",
        version=__version__,
        summary="A chat with a language model, behind one safe endpoint",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        exception_handlers={
            NexxiError: _of_ours,
            ClientGone: _client_gone,
            HTTPException: _of_starlette,
            RequestValidationError: _invalid,
            Exception: _unexpected,
        },
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    return app


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, NexxiError)
    record_of(request.scope).failed(error)
    return error_response(error)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Starlette raises the error once more after this, for RequestLoggingMiddleware to log it."""
    return internal_error()


async def _client_gone(request: Request, error: Exception) -> Response:
    record_of(request.scope).error = "client_gone"
    return Response(status_code=CLIENT_CLOSED_REQUEST)  # for the log: nobody reads it


async def _of_starlette(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    wanted = f"{request.method} {request.url.path}"
    message = {404: f"there is no {wanted}", 405: f"{wanted} is not possible"}.get(error.status_code, error.detail)
    headers = {"allow": ", ".join(_methods(request))} if error.status_code == 405 else dict(error.headers or {})
    response = status_response(error.status_code, message, headers=headers)
    record_of(request.scope).error = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    return response


def _methods(request: Request) -> Sequence[str]:
    """What is possible with this path: every route that it has takes some of the methods, and knows no other's."""
    found: set[str] = set()
    for route in (route for router in ROUTERS for route in router.routes):
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    record_of(request.scope).error = "invalid_request_error"
    return validation_response(error, openai=request.url.path == "/v1/chat/completions")
