"""`/health`, `/ready`, `/metrics`: for those who run the server."""

from fastapi import APIRouter
from starlette.responses import Response

from nexxi_cli import __version__
from nexxi_cli.http.bodies import JsonResponse
from nexxi_cli.http.json_route import JsonRoute
from nexxi_cli.http.schemas.errors import errors
from nexxi_cli.http.schemas.ops import HealthOut, ReadyOut
from nexxi_cli.http.services import Served, Services

router = APIRouter(route_class=JsonRoute, tags=["operation"])

RETRY_S = "5"


@router.head("/health", include_in_schema=False)
@router.get("/health", response_model=HealthOut, summary="Whether the process lives")
async def health() -> Response:
    """Answers as long as the event loop turns; asks nobody."""
    return JsonResponse({"status": "ok", "version": __version__})


@router.head("/ready", include_in_schema=False)
@router.get(
    "/ready",
    response_model=ReadyOut,
    responses={
        503: {"model": ReadyOut, "description": "Loading, draining, or the session store or every model server is down"}
    },
    summary="Whether requests are taken",
)
async def ready(nexxi: Served) -> Response:
    """503 while the model loads or no model server answers, the server drains, or the session store is down."""
    checks = _checks(nexxi)
    is_ready = all(state == "ok" for state in checks.values())
    status = "ready" if is_ready else next(state for state in checks.values() if state != "ok")
    return JsonResponse(
        {"status": status, "checks": checks},
        status_code=200 if is_ready else 503,
        headers={} if is_ready else {"retry-after": RETRY_S},
    )


def _checks(nexxi: Services) -> dict[str, str]:
    return {
        "server": "draining" if nexxi.drain.has_begun else "ok",
        "model": nexxi.model.state,
        "sessions": "down" if nexxi.store.error else "ok",
    }


@router.get(
    "/metrics",
    response_class=Response,
    responses={**errors(), 200: {"description": "Prometheus' text format", "content": {"text/plain": {}}}},
    summary="Metrics for Prometheus",
)
async def metrics(nexxi: Served) -> Response:
    """Everything that is counted, of all workers."""
    body, content_type = nexxi.exposition()
    return Response(body, headers={"content-type": content_type})
