"""`/v1/chat/completions` and `/v1/models`, as OpenAI's clients know them."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from nexxi_cli import __version__
from nexxi_cli.core.errors import NotFound
from nexxi_cli.core.types import ChatRequest, ChatResponse, Delta, Started
from nexxi_cli.http import sse
from nexxi_cli.http.bodies import JsonResponse
from nexxi_cli.http.connection import while_connected
from nexxi_cli.http.json_route import JsonRoute
from nexxi_cli.http.schemas.errors import OF_A_BODY, errors
from nexxi_cli.http.schemas.openai import (
    ChatCompletionIn,
    ChatCompletionOut,
    ChunkWriter,
    ModelOut,
    ModelsOut,
    completion_document,
)
from nexxi_cli.http.services import Call, Called, Services

router = APIRouter(route_class=JsonRoute, tags=["OpenAI-compatible"])

OWNED_BY = f"nexxi-{__version__}"
ModelName = Annotated[str, Path(description="as /v1/models has it", examples=["smollm2-135m"])]
STREAM: dict[str, Any] = {
    "text/event-stream": {
        "itemSchema": sse.EVENT_SCHEMA,
        "example": 'data: {"id":"chatcmpl-...","object":"chat.completion.chunk","choices":[...]}\n\ndata: [DONE]\n\n',
    }
}


class ModelNotFound(NotFound):
    """The request names a model that is not served."""

    code = "model_not_found"
    param = "model"


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletionOut,
    responses={**errors(*OF_A_BODY, 404, 504), 200: {"description": "The reply", "content": STREAM}},
    summary="Answer a conversation that the client keeps",
)
async def chat_completions(body: ChatCompletionIn, request: Request, call: Called) -> Response:
    """OpenAI's chat completions: texts, one choice. A parameter that is not supported is refused by its name.

    `response_format` is enforced while the reply is written; only `max_tokens` can leave JSON unfinished. Nothing of
    the conversation is stored; personal data in it is replaced before the model reads it.
    """
    nexxi, record = call.nexxi, call.record
    served = (await nexxi.backend.info()).name
    if body.model != served:
        raise ModelNotFound(f"the model {body.model!r} is not served here: this server has {served!r}")
    asked = body.request(owner=call.caller.owner, default=nexxi.default_sampling(), request_id=record.request_id)
    completion_id, created = f"chatcmpl-{record.request_id}", int(time.time())
    if body.stream:
        options = body.stream_options
        writer = ChunkWriter(
            completion_id=completion_id,
            created=created,
            model=served,
            include_usage=bool(options and options.include_usage),
        )
        return sse.EventStream(_frames(asked, writer, call), drain=nexxi.drain)
    response = await while_connected(request.receive, nexxi.generation.response(asked, call.caller, record))
    return JsonResponse(completion_document(response, completion_id=completion_id, created=created))


async def _frames(asked: ChatRequest, writer: ChunkWriter, call: Call) -> AsyncGenerator[bytes, None]:
    async with aclosing(call.nexxi.generation.events(asked, call.caller, call.record)) as events:
        async for event in events:
            match event:
                case Started():
                    yield sse.event(writer.delta({"role": "assistant", "content": ""}))
                case Delta(text=text):
                    yield sse.event(writer.delta({"content": text}))
                case ChatResponse():
                    yield sse.event(writer.delta({}, finish=event.finish))
                    if writer.include_usage:
                        yield sse.event(writer.usage(event))
    yield sse.DONE


@router.get("/v1/models", response_model=ModelsOut, responses=errors(), summary="List the models that are served")
async def list_models(call: Called) -> Response:
    """The one model of this server."""
    return JsonResponse({"object": "list", "data": [await _model(call.nexxi)]})


@router.get(
    "/v1/models/{model:path}", response_model=ModelOut, responses=errors(404), summary="Show a model that is served"
)
async def show_model(model: ModelName, call: Called) -> Response:
    """One model, by its name."""
    document = await _model(call.nexxi)
    if document["id"] != model:
        raise ModelNotFound(f"the model {model!r} is not served here: this server has {document['id']!r}")
    return JsonResponse(document)


async def _model(nexxi: Services) -> dict[str, Any]:
    info = await nexxi.backend.info()
    return {"id": info.name, "object": "model", "created": nexxi.started_at, "owned_by": OWNED_BY}
