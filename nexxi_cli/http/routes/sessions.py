"""`/v1/sessions`: what the caller's key has said."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from nexxi_cli.http.bodies import JsonResponse
from nexxi_cli.http.json_route import JsonRoute
from nexxi_cli.http.schemas.errors import OF_A_BODY, errors
from nexxi_cli.http.schemas.sessions import (
    MAX_PAGE,
    PAGE,
    DeletedOut,
    RenameIn,
    SessionOut,
    SessionsOut,
    WholeSessionOut,
)
from nexxi_cli.http.services import Called
from nexxi_cli.service.transfer import info_document, session_document

router = APIRouter(route_class=JsonRoute, prefix="/v1/sessions", tags=["sessions"])

Reference = Annotated[str, Path(description="id, its beginning, or name", max_length=64, examples=["capitals"])]


@router.get("", response_model=SessionsOut, responses=errors(422), summary="List sessions")
async def list_sessions(
    call: Called,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="sessions on a page")] = PAGE,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="how many to leave out")] = 0,
) -> Response:
    """The key's sessions, the one that changed last first."""
    found = await call.nexxi.conversations.recent(call.caller.owner, limit=limit + 1, offset=offset)
    page = [info_document(info) for info in found[:limit]]
    return JsonResponse({"object": "list", "data": page, "has_more": len(found) > limit})


@router.get("/{session_id}", response_model=WholeSessionOut, responses=errors(400, 404, 422), summary="Show a session")
async def show_session(session_id: Reference, call: Called) -> Response:
    """One session with its messages."""
    return JsonResponse(session_document(await call.nexxi.conversations.find(call.caller.owner, session_id)))


@router.patch(
    "/{session_id}", response_model=SessionOut, responses=errors(*OF_A_BODY, 404, 422), summary="Rename a session"
)
async def rename_session(session_id: Reference, body: RenameIn, call: Called) -> Response:
    """Give a session a name, by which it can be called from then on."""
    return JsonResponse(info_document(await call.nexxi.conversations.rename(call.caller.owner, session_id, body.name)))


@router.delete("/{session_id}", response_model=DeletedOut, responses=errors(400, 404, 422), summary="Delete a session")
async def delete_session(session_id: Reference, call: Called) -> Response:
    """Remove a session for good, from the archive too."""
    info = await call.nexxi.conversations.delete(call.caller.owner, session_id)
    return JsonResponse({"session_id": str(info.session_id), "deleted": True})
