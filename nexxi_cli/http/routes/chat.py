"""`POST /v1/chat`: conversations that the server keeps."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from nexxi_cli.core.types import ChatRequest, ChatResponse, Delta, Started
from nexxi_cli.http import sse
from nexxi_cli.http.bodies import JsonResponse
from nexxi_cli.http.connection import while_connected
from nexxi_cli.http.json_route import JsonRoute
from nexxi_cli.http.schemas.chat import (
    ChatIn,
    ChatOut,
    chat_document,
    delta_document,
    end_document,
    start_document,
)
from nexxi_cli.http.schemas.errors import OF_A_BODY, errors
from nexxi_cli.http.services import Call, Called

router = APIRouter(route_class=JsonRoute, tags=["chat"])

STREAM_EXAMPLE = (
    'data: {"type":"start","id":"...","session_id":"...","model":"smollm2-135m","role":"assistant"}\n\n'
    'data: {"type":"delta","content":"Paris."}\n\n'
    'data: {"type":"end","finish_reason":"stop","usage":{"prompt_tokens":31,"completion_tokens":3}}\n\n'
    "data: [DONE]\n\n"
)
STREAM: dict[str, Any] = {"text/event-stream": {"itemSchema": sse.EVENT_SCHEMA, "example": STREAM_EXAMPLE}}


@router.post(
    "/v1/chat",
    response_model=ChatOut,
    responses={**errors(*OF_A_BODY, 404, 422, 504), 200: {"description": "The reply", "content": STREAM}},
    summary="Say something in a session",
)
async def chat(body: ChatIn, request: Request, call: Called) -> Response:
    """Answer one message of a session, or of a new one; with `stream`, as server-sent events.

    Events: `start`, then `delta`s, then `end`, then `[DONE]`. A failure in between is an event named `error`.
    """
    nexxi, record = call.nexxi, call.record
    asked = body.request(owner=call.caller.owner, default=nexxi.default_sampling(), request_id=record.request_id)
    if body.stream:
        return sse.EventStream(_frames(asked, call), drain=nexxi.drain)
    response = await while_connected(request.receive, nexxi.generation.response(asked, call.caller, record))
    return JsonResponse(chat_document(response, request_id=record.request_id))


async def _frames(asked: ChatRequest, call: Call) -> AsyncGenerator[bytes, None]:
    async with aclosing(call.nexxi.generation.events(asked, call.caller, call.record)) as events:
        async for event in events:
            match event:
                case Started():
                    yield sse.event(start_document(event, request_id=call.record.request_id))
                case Delta(text=text):
                    yield sse.event(delta_document(text))
                case ChatResponse():
                    yield sse.event(end_document(event))
    yield sse.DONE
