"""Clients of one Redis that share a spool, what they hear of an outage, and stores that fail on purpose."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from nexxi_cli.core.errors import NexxiError, StoreUnavailable
from nexxi_cli.core.events import Event
from nexxi_cli.core.ports import SessionStore
from nexxi_cli.core.types import Session, SessionInfo, Turn
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.observability.silence import SILENT
from tests.contracts.sessions import a_session, a_turn, texts

T = TypeVar("T")

DURABLE = {"appendonly": "yes", "appendfsync": "always"}  # what Redis has done survives its end


class Ears:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def a_client(url: str, spool: Path, ears: Ears | None = None) -> SpoolingSessionStore:
    """As one process of the command line has it."""
    redis = RedisSessionStore(url, ttl_s=None, timeout_s=0.3)
    return SpoolingSessionStore(redis, Spool(spool, place=redis.place), ears or SILENT)


@asynccontextmanager
async def client_of(url: str, spool: Path, ears: Ears | None = None) -> AsyncIterator[SpoolingSessionStore]:
    store = a_client(url, spool, ears)
    yield store
    await store.aclose()


def a_session_with_a_turn(question: str, *, name: str | None = None, system: str | None = None) -> Session:
    """A new session as it comes with its first turn."""
    session, turn = a_session(name=name, system=system), a_turn(question)
    return Session(session.info, (*session.messages, turn.user, turn.assistant))


async def questions_in(store: SessionStore, session_id: UUID) -> list[str]:
    return texts(await store.load(session_id))[::2]


class FailingStore(RedisSessionStore):
    """A Redis that can be made to refuse, to answer too late, or to do what it was told later than it was given up.

    mode: "up"; "down": nothing arrives; "deaf": what arrives is done, and no answer comes back; "slow": no answer comes
    back, and what has been sent is done when `catch_up` is called.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, ttl_s=None, timeout_s=30)
        self.mode = "up"
        self.sent: list[Callable[[], Awaitable[object]]] = []

    async def create(self, session: Session, *, write_id: UUID | None = None) -> Session:
        return await self._through(lambda: RedisSessionStore.create(self, session, write_id=write_id))

    async def append(
        self,
        session_id: UUID,
        turn: Turn,
        *,
        replaces_last_of: SessionInfo | None = None,
        write_id: UUID | None = None,
    ) -> int:
        return await self._through(
            lambda: RedisSessionStore.append(
                self, session_id, turn, replaces_last_of=replaces_last_of, write_id=write_id
            )
        )

    async def set_system(self, session_id: UUID, system: str | None, *, write_id: UUID | None = None) -> None:
        await self._through(lambda: RedisSessionStore.set_system(self, session_id, system, write_id=write_id))

    async def truncate(
        self, session_id: UUID, turn_count: int, *, write_id: UUID | None = None, as_of: SessionInfo | None = None
    ) -> None:
        if self.mode == "slow":  # it reads before it writes: nothing of it is done later
            raise StoreUnavailable("it is slow")
        await self._through(
            lambda: RedisSessionStore.truncate(self, session_id, turn_count, write_id=write_id, as_of=as_of)
        )

    async def load(self, session_id: UUID) -> Session | None:
        return await self._through(lambda: RedisSessionStore.load(self, session_id))

    async def written(self, write_id: UUID) -> UUID | None:
        return await self._through(lambda: RedisSessionStore.written(self, write_id))

    async def catch_up(self, count: int) -> None:
        """Do so many of the calls that were given up, the first ones first."""
        late, self.sent = self.sent[:count], self.sent[count:]
        for call in late:
            with suppress(NexxiError):  # who asked has gone
                await call()

    async def _through(self, call: Callable[[], Awaitable[T]]) -> T:
        if self.mode == "up":
            return await call()
        if self.mode == "deaf":
            await call()
        if self.mode == "slow":
            self.sent.append(call)
        raise StoreUnavailable(f"it is {self.mode}")
