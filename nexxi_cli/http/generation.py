"""Generation: one reply over HTTP: the deadline, tokens booked, a place, the pipeline; in this order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from nexxi_cli.core.access import Caller
from nexxi_cli.core.errors import DeadlineExceeded
from nexxi_cli.core.types import ChatEvent, ChatRequest, ChatResponse, Delta, Started
from nexxi_cli.http.model_state import ModelState
from nexxi_cli.http.quota import Quota, Reservation
from nexxi_cli.http.record import RequestRecord
from nexxi_cli.service.admission import Admission
from nexxi_cli.service.chat import ChatService
from nexxi_cli.service.history import CHARS_PER_TOKEN


class Generation:
    """What stands between the routes and the ChatService."""

    def __init__(
        self,
        chat: ChatService,
        *,
        model: ModelState,
        quota: Quota,
        admission: Admission,
        reply_tokens: int,
        timeout_s: float,
    ) -> None:
        """`reply_tokens`: the longest reply to a request that does not say how long it may be."""
        self._chat = chat
        self._model = model
        self._quota = quota
        self._admission = admission
        self._reply_tokens = reply_tokens
        self._timeout_s = timeout_s

    async def events(
        self, request: ChatRequest, caller: Caller, record: RequestRecord
    ) -> AsyncGenerator[ChatEvent, None]:
        """The events of one reply. Raises QuotaExceeded, Overloaded, DeadlineExceeded, and as ChatService.stream does.

        Iterate it in one task, and close it: that gives the place back, stops the model and settles the tokens.
        """
        self._model.check()
        request = _with_length(request, caller, self._reply_tokens)
        async with (
            deadline(self._timeout_s),
            self._quota.tokens(caller, record, amount=_tokens(request)) as booked,
            self._admission.place(caller.owner, record.request_id) as place,
            aclosing(self._chat.stream(replace(request, queued_s=place.queued_s))) as events,
        ):
            record.queued_s = place.queued_s
            async for event in events:
                _note(event, record, booked)
                yield event

    async def response(self, request: ChatRequest, caller: Caller, record: RequestRecord) -> ChatResponse:
        """The whole of it. Raises as `events` does."""
        async with aclosing(self.events(request, caller, record)) as events:
            async for event in events:
                if isinstance(event, ChatResponse):
                    return event
        raise AssertionError("a stream ends with its ChatResponse or raises")


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Raises DeadlineExceeded in what takes longer, and in a generator that waits meanwhile for whoever iterates it."""
    try:
        async with asyncio.timeout(seconds) as timeout:
            yield
    except (TimeoutError, GeneratorExit):  # the second when its task was cancelled outside of it, at a client's pace
        if not timeout.expired():
            raise
        raise DeadlineExceeded(
            f"the reply took longer than {seconds:g} s: ask for fewer tokens, or try again when less is going on"
        ) from None


def _with_length(request: ChatRequest, caller: Caller, reply_tokens: int) -> ChatRequest:
    """The request with a longest reply: its own, or else `reply_tokens`, of a caller's limit at most half.

    So one who states no length is not refused for a reply that he has not asked for, nor for the one before it.
    """
    if request.sampling.max_new_tokens is not None:
        return request
    limit = caller.tokens_per_minute
    if limit is not None:
        reply_tokens = max(1, min(reply_tokens, limit // 2, limit - _prompt_tokens(request)))
    return replace(request, sampling=replace(request.sampling, max_new_tokens=reply_tokens))


def _tokens(request: ChatRequest) -> int:
    """What a request may take."""
    return _prompt_tokens(request) + (request.sampling.max_new_tokens or 0)


def _prompt_tokens(request: ChatRequest) -> int:
    """The prompt's, as far as one can tell before its history is loaded and it is tokenized."""
    chars = len(request.text) + sum(len(message.content) for message in request.history or ())
    return chars // CHARS_PER_TOKEN + 1


def _note(event: ChatEvent, record: RequestRecord, booked: Reservation) -> None:
    match event:
        case Started(prompt_tokens=tokens):
            record.prompt_tokens, record.completion_tokens = tokens, 0
        case Delta():
            record.completion_tokens = (record.completion_tokens or 0) + 1  # about: what is held back comes at once
        case ChatResponse(usage=usage, timing=timing):
            record.prompt_tokens, record.completion_tokens = usage.prompt_tokens, usage.completion_tokens
            record.first_token_s = timing.first_token_s
    booked.spent = (record.prompt_tokens or 0) + (record.completion_tokens or 0)
