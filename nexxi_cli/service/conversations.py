"""ConversationManager: which session a message belongs to, what of it the model is sent, and what is kept.

Knows owners, names and turns. How much history fits is `history`'s business, where sessions lie the store's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from nexxi_cli.core.errors import NexxiError, NotFound, UsageError
from nexxi_cli.core.ports import ModelBackend, SessionStore
from nexxi_cli.core.types import (
    ChatRequest,
    FinishReason,
    Message,
    ModelInfo,
    Session,
    SessionChoice,
    SessionInfo,
    Turn,
)
from nexxi_cli.service.history import Window, fit_window
from nexxi_cli.service.references import check_name, check_reference, is_id, may_be_id

T = TypeVar("T")


class OpenTurn:
    """A turn under way: what the model is to be sent, and what it has answered so far.

    session_id: the session that keeps the turn; None when nothing is kept and the session is new. A new named session
    that another process has made meanwhile gets the turn, so the id is final only once the turn is closed.
    """

    def __init__(self, window: Window, *, session_id: UUID | None) -> None:
        self.session_id = session_id
        self.messages = window.messages
        self.prompt_tokens = window.prompt_tokens
        self.dropped_turns = window.dropped_turns
        self._pieces: list[str] = []
        self._finish: FinishReason = "interrupted"  # until the reply is known to have ended

    def add(self, text: str) -> None:
        """The next piece of the reply, as the user sees it."""
        self._pieces.append(text)

    def finish(self, reason: FinishReason) -> None:
        """Why the reply has ended. A turn that closes without it counts as interrupted."""
        self._finish = reason

    @property
    def reply(self) -> str:
        """The reply so far."""
        return "".join(self._pieces)

    @property
    def answer(self) -> Message:
        """The reply as it is kept: marked, unless it ended by itself."""
        return Message("assistant", self.reply, None if self._finish == "stop" else self._finish)


class ConversationManager:
    """The sessions of every owner, over one store. An owner never learns that another's session exists."""

    def __init__(
        self,
        store: SessionStore,
        *,
        default_system: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        """`default_system` is the system message of new sessions; None: the model's own, if it has one."""
        self._store = store
        self._default_system = default_system
        self._clock = clock
        self._new_id = new_id

    @asynccontextmanager
    async def turn(self, request: ChatRequest, *, text: str, backend: ModelBackend) -> AsyncIterator[OpenTurn]:
        """Open the turn in which `backend` answers `text`, the request's message as redacted; close it at the end.

        At the end the turn is appended once if any reply came: whole, or marked as interrupted (cancelled, or the
        caller went away) or as failed (any other exception). Without a reply nothing is kept, no new session either.
        The write outlasts a cancellation. Raises UsageError, NotFound, ContextLengthExceeded, and StoreUnavailable:
        before the model is asked, if the store is down by then.
        """
        existing = await self._existing(request)
        info = await backend.info()
        session, is_new = existing or self._new_session(request, info), existing is None
        question = Message("user", text)
        window = await fit_window(
            backend,
            _history(_with_system(session, request.system), request),
            question,
            context_tokens=info.context_length,
            reply_tokens=request.sampling.max_new_tokens,
        )
        turn = OpenTurn(window, session_id=session.session_id if request.save or not is_new else None)

        async def keep() -> None:
            if request.save and turn.reply:
                exchange = Turn(question, turn.answer, info.name, self._clock())
                turn.session_id = await _outlasting_cancellation(self._keep(request, session, exchange, is_new=is_new))

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

    async def find(self, owner: str, reference: str) -> Session:
        """The session of this name or id. Raises NotFound, and UsageError if several ids begin so."""
        session = await self._lookup(owner, reference)
        if session is None:
            raise _not_found(reference)
        return session

    async def resume(self, owner: str, choice: SessionChoice) -> Session | None:
        """The session that a message of this choice continues; None when it begins a new one.

        Raises UsageError for a reference that can be none, NotFound for an id that no session of the owner's has.
        """
        if choice.reference is not None:
            session = await self._lookup(owner, choice.reference)
            if session is None and is_id(choice.reference):
                raise _not_found(choice.reference)
            return session
        newest = await self._store.recent(owner, limit=1) if choice.last else ()
        return await self._store.load(newest[0].session_id) if newest else None

    async def recent(self, owner: str, *, limit: int, offset: int = 0) -> Sequence[SessionInfo]:
        """The owner's sessions, the one that changed last first."""
        return await self._store.recent(owner, limit=limit, offset=offset)

    async def delete(self, owner: str, reference: str) -> SessionInfo:
        """Remove a session; return what it was. Raises as `find` does."""
        session = await self.find(owner, reference)
        await self._store.delete(session.session_id)
        return session.info

    async def rename(self, owner: str, reference: str, name: str) -> SessionInfo:
        """Name a session. Raises as `find` does, and UsageError for a name that is taken or cannot be one."""
        check_name(name)
        session = await self.find(owner, reference)
        await self._store.rename(session.session_id, name)
        return replace(session.info, name=name)

    async def undo(self, owner: str, reference: str) -> str:
        """Take the last turn back and return what was asked. Raises as `find` does, UsageError without a turn."""
        session = await self.find(owner, reference)
        questions = [message.content for message in session.messages if message.role == "user"]
        if not questions:
            raise UsageError(f"the session {reference!r} has no turn to take back")
        await self._store.truncate(session.session_id, len(questions) - 1)
        return questions[-1]

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
        return await self.resume(request.owner, request.session)

    async def _lookup(self, owner: str, reference: str) -> Session | None:
        check_reference(reference)
        found = await self._store.find(owner, reference)
        if not found or not (found[0].name == reference or may_be_id(reference)):
            return None
        if len(found) > 1:
            candidates = ", ".join(str(info.session_id) for info in found)
            raise UsageError(f"{reference!r} is the beginning of several ids: {candidates}")
        return await self._store.load(found[0].session_id)

    async def _keep(self, request: ChatRequest, session: Session, turn: Turn, *, is_new: bool) -> UUID:
        """Write the turn, the first one together with its session; return the id of the session that has it."""
        stored = session
        if is_new:
            info = replace(session.info, updated_at=turn.created_at, model=turn.model)
            stored = await self._store.create(Session(info, (*session.messages, turn.user, turn.assistant)))
            if stored.session_id == session.session_id:
                return stored.session_id
            # another process has made a session of this name meanwhile: the turn goes there
        if _with_system(stored, request.system) != stored:
            await self._store.set_system(stored.session_id, request.system or None)
        if request.replaces_last and stored.info.turn_count:
            await self._store.truncate(stored.session_id, stored.info.turn_count - 1)
        await self._store.append(stored.session_id, turn)
        return stored.session_id


def _history(session: Session, request: ChatRequest) -> tuple[Message, ...]:
    """The messages before the question: all of the session's, or all but the turn that the new one replaces."""
    replaced = request.replaces_last and session.info.turn_count > 0
    return session.messages[:-2] if replaced else session.messages


def _not_found(reference: str) -> NotFound:
    return NotFound(f"there is no session {reference!r}; `nexxi sessions list` shows yours")


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
