"""ConversationManager: which session a message belongs to, what of it the model is sent, and what is kept.

Knows owners, names and turns. How much history fits is `history`'s business, where sessions lie the store's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.events import TurnKept
from nexxi_cli.core.ports import ArchivedSessions, ModelBackend, Observer, SessionStore, TurnLog
from nexxi_cli.core.types import (
    ChatRequest,
    Message,
    ModelInfo,
    Session,
    SessionChoice,
    SessionInfo,
    Summary,
    Turn,
)
from nexxi_cli.service.history import Window, fit_window, turns_of, whole_window
from nexxi_cli.service.open_turn import OpenTurn
from nexxi_cli.service.sessions import Sessions
from nexxi_cli.service.summaries import fit_summarised

T = TypeVar("T")

Strategy = Literal["window", "summarise"]


class ConversationManager(Sessions):
    """Sessions, and the turns that go on in them."""

    def __init__(
        self,
        store: SessionStore,
        *,
        default_system: str | None = None,
        strategy: Strategy = "window",
        log: TurnLog | None = None,
        archive: ArchivedSessions | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], UUID] = uuid4,
        observer: Observer | None = None,
    ) -> None:
        """`default_system` is the system message of new sessions; None: the model's own, if it has one.

        `strategy` says what becomes of turns that do not fit into the context any more. `observer` hears of each turn
        that is kept. The rest as of Sessions.
        """
        super().__init__(store, log=log, archive=archive, clock=clock, new_id=new_id, observer=observer)
        self._default_system = default_system
        self._strategy: Strategy = strategy
        self._observer = observer

    @asynccontextmanager
    async def turn(self, request: ChatRequest, *, text: str, backend: ModelBackend) -> AsyncIterator[OpenTurn]:
        """Open the turn in which `backend` answers `text`, the request's message as redacted; close it at the end.

        At the end the turn is appended once if any reply came: whole, or marked as interrupted (cancelled, or the
        caller went away) or as failed (any other exception). Without a reply nothing is kept, no new session either.
        The write outlasts a cancellation. Raises UsageError, NotFound, ContextLengthExceeded, and StoreUnavailable:
        before the model is asked, if the store is down by then. With a `history` of the caller's own no store is
        touched, and nothing of it is left out: a history that is too long raises ContextLengthExceeded.
        """
        if request.history is not None:
            yield await self._stateless_turn(request.history, Message("user", text), backend)
            return
        existing = await self._existing(request)
        info = await backend.info()
        session, is_new = existing or self._new_session(request, info), existing is None
        question = Message("user", text)
        window, told = await self._window(request, session, question, backend, info)
        turn = OpenTurn(
            window,
            session_id=session.session_id if request.save or not is_new else None,
            summarised_turns=told.turns if told else 0,
        )

        async def keep() -> None:
            if request.save and turn.reply:
                if is_new:
                    turn.session_id = None
                await _outlasting_cancellation(self._keep(request, session, question, turn, info, is_new=is_new))

        try:
            yield turn
        except BaseException as failure:
            turn.finish("error" if isinstance(failure, Exception) else "interrupted")
            try:
                await keep()
            except NexxiError as lost:
                failure.add_note(f"the part of the reply that had come could not be kept: {lost}")
            raise
        await keep()

    async def _stateless_turn(self, history: tuple[Message, ...], question: Message, backend: ModelBackend) -> OpenTurn:
        info = await backend.info()
        default = info.system if self._default_system is None else self._default_system
        has_system = any(message.role == "system" for message in history)
        opening = (Message("system", default),) if default and not has_system else ()
        window = await whole_window(backend, (*opening, *history, question), context_tokens=info.context_length)
        return OpenTurn(window, session_id=None, summarised_turns=0)

    async def _window(
        self, request: ChatRequest, session: Session, question: Message, backend: ModelBackend, info: ModelInfo
    ) -> tuple[Window, Summary | None]:
        history = _history(_with_system(session, request.system), request)
        context_tokens, reply_tokens = info.context_length, request.sampling.max_new_tokens
        if self._strategy == "window":
            window = await fit_window(
                backend, history, question, context_tokens=context_tokens, reply_tokens=reply_tokens
            )
            return window, None
        known = session.summary if session.summary and session.summary.turns <= len(turns_of(history)) else None
        fitted = await fit_summarised(
            backend,
            history,
            known,
            question,
            context_tokens=context_tokens,
            reply_tokens=reply_tokens,
            observer=self._observer,
            request_id=request.request_id,
        )
        if request.save and fitted.summary is not None and fitted.summary != session.summary:
            await self._store.set_summary(session.session_id, fitted.summary)
        return fitted.window, fitted.summary

    def _new_session(self, request: ChatRequest, model: ModelInfo) -> Session:
        """A session of which nothing is stored yet."""
        now = self._clock()
        info = SessionInfo(self._new_id(), request.owner, now, now, name=request.session.reference)
        default = model.system if self._default_system is None else self._default_system
        return _with_system(_with_system(Session(info), default), request.system)

    async def _existing(self, request: ChatRequest) -> Session | None:
        """The session that the request continues; a store that is down is found out before the model works."""
        if request.session == SessionChoice() and request.save:
            await self._store.recent(request.owner, limit=1)
        found = await self._resume(request.owner, request.session)
        if found is None:
            return None
        session, is_stored = found
        return session if is_stored or not request.save else await self._revived(session)

    async def _keep(
        self,
        request: ChatRequest,
        session: Session,
        question: Message,
        open_: OpenTurn,
        model: ModelInfo,
        *,
        is_new: bool,
    ) -> None:
        """Write the turn, the first one together with its session."""
        turn, stored = Turn(question, open_.answer, model.name, self._clock()), session
        if is_new:
            info = replace(session.info, updated_at=turn.created_at, model=turn.model)
            stored = await self._store.create(Session(info, (*session.messages, turn.user, turn.assistant)))
            if stored.session_id == session.session_id:
                open_.keep_in(stored.session_id)
                self._tell_kept(new_session=True)
                await self._archiving.turn(stored, 1, turn, open_.cost)
                return
            # another process has made a session of this name meanwhile: the turn goes there
        changed = _with_system(stored, request.system)
        if changed != stored:
            await self._store.set_system(stored.session_id, request.system or None)
            await self._archiving.system_replaced(stored.session_id, request.system or None)
        replaced = session.info if request.replaces_last else None
        number = await self._store.append(stored.session_id, turn, replaces_last_of=replaced)
        open_.keep_in(stored.session_id)
        self._tell_kept(new_session=False)
        await self._archiving.turn(changed, number, turn, open_.cost)

    def _tell_kept(self, *, new_session: bool) -> None:
        if self._observer is not None:
            self._observer.notify(TurnKept(new_session))


def _history(session: Session, request: ChatRequest) -> tuple[Message, ...]:
    """The messages before the question: all of the session's, or all but the turn that the new one replaces."""
    replaced = request.replaces_last and session.info.turn_count > 0
    return session.messages[:-2] if replaced else session.messages


def _with_system(session: Session, system: str | None) -> Session:
    """The session under another system message: None leaves it as it is, an empty one removes it."""
    if system is None:
        return session
    rest = tuple(message for message in session.messages if message.role != "system")
    return replace(session, messages=(Message("system", system), *rest) if system else rest)


async def _outlasting_cancellation(work: Coroutine[Any, Any, T]) -> T:
    """Wait until `work` has ended, whatever happens; a cancellation that came meanwhile is raised then."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from (None if task.cancelled() else task.exception())
    return task.result()
