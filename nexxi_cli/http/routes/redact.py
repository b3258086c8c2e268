"""`POST /v1/redact`: the safety filter's redaction, as `nexxi redact` does it."""

from asyncio import to_thread

from fastapi import APIRouter
from starlette.responses import Response

from nexxi_cli.core.errors import Refused, UsageError
from nexxi_cli.http.bodies import JsonResponse
from nexxi_cli.http.json_route import JsonRoute
from nexxi_cli.http.schemas.errors import OF_A_BODY, errors
from nexxi_cli.http.schemas.sessions import RedactIn, RedactOut, redact_document
from nexxi_cli.http.services import Called

router = APIRouter(route_class=JsonRoute, tags=["safety"])


@router.post(
    "/v1/redact",
    response_model=RedactOut,
    responses=errors(*OF_A_BODY, 422),
    summary="Redact personal data and secrets",
)
async def redact(body: RedactIn, call: Called) -> Response:
    """Put a placeholder in the place of each piece of personal data. Nothing is stored."""
    redactor = call.nexxi.redactor
    if body.types is not None:
        unknown = sorted(set(body.types) - redactor.known_types)
        if unknown:
            raise UsageError(f"there is no type {unknown[0]!r}; there are {', '.join(sorted(redactor.known_types))}")
        redactor = redactor.only(body.types)
    verdict = await to_thread(redactor.check, body.text)
    if not verdict.allowed:
        raise Refused(f"the text was not looked at ({'; '.join(verdict.reasons)})")
    return JsonResponse(redact_document(verdict))
