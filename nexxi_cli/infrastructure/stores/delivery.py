"""How a write that waited is done in the end, once, whatever has become of its session meanwhile.

A session that is gone when its turns come is not brought back: they begin a new one, without a name. A session whose
name another process has taken yields to the other one: its turns go there, under the other's system message. Turns are
taken back or replaced only if no others have followed.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.ports import SessionStore
from nexxi_cli.core.types import Session, SessionInfo, Turn
from nexxi_cli.infrastructure.stores.spool import Waiting


class RepeatableStore(SessionStore, Protocol):
    """A store that notices a write that it has done already, whoever asks again and whenever the first one came."""

    async def create(self, session: Session, *, write_id: UUID | None = None) -> Session:
        """As a SessionStore does; return the session that has this write if there is one."""

    async def append(
        self,
        session_id: UUID,
        turn: Turn,
        *,
        replaces_last_of: SessionInfo | None = None,
        write_id: UUID | None = None,
    ) -> int:
        """As a SessionStore does; return the turn count of the session that has this write if there is one."""

    async def truncate(
        self, session_id: UUID, turn_count: int, *, write_id: UUID | None = None, as_of: SessionInfo | None = None
    ) -> None:
        """As a SessionStore does, once; with `as_of`, only if no turn has come or gone."""

    async def set_system(self, session_id: UUID, system: str | None, *, write_id: UUID | None = None) -> None:
        """As a SessionStore does, once."""

    async def written(self, write_id: UUID) -> UUID | None:
        """The session that this write has gone to; None if it has not happened."""


async def deliver(store: RepeatableStore, waiting: Waiting, target: UUID) -> UUID:
    """Do one write unless it has happened; return the session that has it: `target` is the one to look for.

    Raises StoreUnavailable: then it may be done again.
    """
    own_id, write_id, turn = waiting.session.session_id, waiting.write_id, waiting.turn
    went_to = await store.written(write_id)
    if went_to is not None:
        return went_to
    if turn is None:
        with suppress(NotFound):  # who has deleted the session needs no change of it
            await _change(store, waiting, target)
        return target
    if waiting.action == "create":
        target = await _create(store, waiting.session, write_id)
        if target == own_id:
            return own_id
    try:
        await store.append(target, turn, replaces_last_of=waiting.replaces_last_of, write_id=write_id)
    except NotFound:
        return await _create(store, _anew(waiting), write_id)
    return target


async def _change(store: RepeatableStore, waiting: Waiting, target: UUID) -> None:
    if waiting.turn_count is None:
        await store.set_system(target, waiting.system, write_id=waiting.write_id)
        return
    await store.truncate(target, waiting.turn_count, write_id=waiting.write_id, as_of=waiting.session.info)


async def _create(store: RepeatableStore, session: Session, write_id: UUID) -> UUID:
    try:
        return (await store.create(session, write_id=write_id)).session_id
    except UsageError:  # the id is taken, by this very write: ids are random, and the store does not remember for ever
        return session.session_id


def _anew(waiting: Waiting) -> Session:
    """The session that a turn begins whose own is gone; its id is the write's, so that every process takes the same."""
    return replace(waiting.session, info=replace(waiting.session.info, session_id=waiting.write_id, name=None))
