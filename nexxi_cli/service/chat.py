"""ChatService: the one pipeline that the terminal and the API share."""

import time
from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from nexxi_cli.core.errors import NexxiError, Refused, UsageError
from nexxi_cli.core.events import HistoryTrimmed, ReplyFinished, RequestFailed, RequestScreened
from nexxi_cli.core.ports import ModelBackend, Observer
from nexxi_cli.core.types import (
    ChatEvent,
    ChatRequest,
    ChatResponse,
    Cost,
    Delta,
    FinishReason,
    Message,
    ModelInfo,
    Started,
    Timing,
    Usage,
    Verdict,
)
from nexxi_cli.service.conversations import ConversationManager
from nexxi_cli.service.open_turn import OpenTurn
from nexxi_cli.service.safety import SafetyFilter
from nexxi_cli.service.stream_guard import StreamGuard

INLINE_CHARS = 1000
"""Texts up to this length are screened on the event loop, unless a model is asked: that takes less of it than handing
them to a thread.
"""


class ChatService:
    """Answers messages: safety, history, prompt, model, safety again, storage; in this order."""

    def __init__(
        self,
        *,
        safety: SafetyFilter,
        conversations: ConversationManager,
        backend: ModelBackend,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._safety = safety
        self._conversations = conversations
        self._backend = backend
        self._observer = observer
        self._clock = clock

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answer one message as a whole. Raises as `stream` does."""
        async with aclosing(self.stream(replace(request, whole=True))) as events:
            async for event in events:
                if isinstance(event, ChatResponse):
                    return event
        raise AssertionError("a stream ends with its ChatResponse or raises")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer one message: Started, then Deltas (one, if the reply is wanted whole), then the ChatResponse.

        The turn is kept whatever happens after the first delta: a reply that is cut short is kept and marked.
        Close the iterator (`aclosing`) to stop the model. Raises Refused, ContextLengthExceeded, NotFound,
        UsageError and Unavailable; with the reply as its `unkept` if that is whole and could not be kept.
        """
        try:
            async with aclosing(self._answer(request)) as events:
                async for event in events:
                    yield event
        except NexxiError as error:
            self._observer.notify(RequestFailed(request.request_id, type(error).__name__))
            raise

    async def _answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        began = self._clock()
        verdict, request = await self._screened_request(request)
        info = await self._backend.info()
        guard = self._safety.stream_guard()
        is_whole = False
        try:
            async with self._conversations.turn(request, text=verdict.text, backend=self._backend) as turn:
                if turn.dropped_turns:
                    self._observer.notify(HistoryTrimmed(request.request_id, turn.dropped_turns))
                yield Started(
                    turn.session_id, info.name, verdict, turn.dropped_turns, turn.prompt_tokens, turn.summarised_turns
                )
                async with aclosing(self._reply(request, turn, guard, began, verdict.types)) as deltas:
                    async for delta in deltas:
                        yield delta
                is_whole = True
        except NexxiError as error:
            if is_whole:
                error.unkept = _response_of(turn, info, verdict, guard)
            raise
        response = _response_of(turn, info, verdict, guard)
        self._observer.notify(
            ReplyFinished(request.request_id, info.name, response.finish, response.usage, response.timing)
        )
        yield response

    async def _reply(
        self, request: ChatRequest, turn: OpenTurn, guard: StreamGuard, began: float, finding_types: tuple[str, ...]
    ) -> AsyncGenerator[Delta, None]:
        """What the model answers, as it may leave, and all of it into `turn`."""
        held = ""  # a reply that is wanted whole is looked at as a whole, which takes less than looking at each piece
        first_token_s: float | None = None
        finish: FinishReason = "stop"
        usage, count = Usage(turn.prompt_tokens, 0), 0
        sampling = replace(request.sampling, prompt_cache_key=request.owner)
        try:
            async with aclosing(self._backend.generate(turn.messages, sampling)) as deltas:
                async for delta in deltas:
                    if first_token_s is None:
                        first_token_s = self._clock() - began
                    count += 1
                    finish, usage = delta.finish or finish, delta.usage or Usage(turn.prompt_tokens, count)
                    held += delta.text
                    if request.whole and not delta.finish:
                        continue
                    text, held = guard.push(held) + (guard.finish() if delta.finish else ""), ""
                    if text:
                        turn.add(text)
                        yield Delta(text)
        finally:
            turn.add(guard.push(held) + guard.finish())  # a reply that was cut short keeps what was held back
            turn.spend(Cost(usage, Timing(first_token_s, self._clock() - began, request.queued_s), finding_types))
        turn.finish(finish)

    async def _screened_request(self, request: ChatRequest) -> tuple[Verdict, ChatRequest]:
        await self._safety.ready()
        chars = len(request.text) + sum(len(message.content) for message in request.history or ())
        is_quick = chars <= INLINE_CHARS and not self._safety.asks_a_model
        return self._screen(request) if is_quick else await to_thread(self._screen, request)

    def _screen(self, request: ChatRequest) -> tuple[Verdict, ChatRequest]:
        """The verdict on the message, and the request with its other texts redacted."""
        if not request.text.strip():
            raise UsageError("the prompt is empty")

        def screened(*, allowed: bool, types: tuple[str, ...]) -> RequestScreened:
            return RequestScreened(request.request_id, "in", allowed, types, len(request.text))

        try:
            verdict = self._safety.check_or_raise(request.text)
            history = request.history and tuple(map(self._screened, request.history))
            system = request.system and self._without_personal_data(request.system)
        except Refused as refusal:
            self._observer.notify(screened(allowed=False, types=refusal.finding_types))
            raise
        self._observer.notify(screened(allowed=True, types=verdict.types))
        if not verdict.text.strip():
            raise UsageError("nothing is left of the prompt once its HTML is stripped")
        return verdict, replace(request, history=history, system=system)

    def _screened(self, message: Message) -> Message:
        """A message of a history: what users wrote is judged as any message; other texts keep their markup."""
        if message.role == "user":
            return replace(message, content=self._safety.check_or_raise(message.content).text)
        return replace(message, content=self._without_personal_data(message.content))

    def _without_personal_data(self, text: str) -> str:
        guard = self._safety.stream_guard()
        return guard.push(text) + guard.finish()


def _response_of(turn: OpenTurn, model: ModelInfo, verdict: Verdict, guard: StreamGuard) -> ChatResponse:
    return ChatResponse(
        text=turn.reply,
        model=model.name,
        session_id=turn.session_id,
        finish=turn.finish_reason,
        usage=turn.cost.usage,
        timing=turn.cost.timing,
        verdict=verdict,
        saved=turn.is_kept,
        dropped_turns=turn.dropped_turns,
        summarised_turns=turn.summarised_turns,
        output_findings=guard.findings,
    )
