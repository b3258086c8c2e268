"""KeyRing: whose a presented key is. Holds the live keys in memory; knows neither protocol nor database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest

from nexxi_cli.core.access import LOCAL_OWNER, SCOPES, ApiKey, Caller
from nexxi_cli.core.errors import ArchiveUnavailable, NotAuthorised
from nexxi_cli.core.events import KeysDown, KeysUp
from nexxi_cli.core.ports import KeyStore, Observer
from nexxi_cli.service.key_text import MAX_CHARS, Digest, key_id_in

REREAD_S = 2.0
"""The store answers or fails within 2.5 s, so a revoked key is refused within 5 s even if it is slow twice."""

HOLD_S = 300.0
"""How long the keys that were read last hold while they cannot be read.

An outage of the database stops no reply, and while it is down for all, no revocation can be written either. But it may
be down for this process only, so not for longer than somebody needs to notice.
"""

REFUSAL = "this API key is not valid; `nexxi keys list` shows those that are"


class KeyRing:
    """The keys of a KeyStore, and the one of the settings, which needs no store.

    While requests come, the store is read every REREAD_S behind their backs, however many they are and whatever keys
    they present. Only the first after a silence waits for the store, so that it is not answered by old news.
    """

    def __init__(
        self,
        store: KeyStore,
        digest: Digest,
        *,
        requests_per_minute: int,
        tokens_per_minute: int | None,
        api_key: str | None,
        observer: Observer,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """The limits hold for keys without their own. Raises what `digest` raises when there is no secret for it."""
        self._store = store
        self._digest = digest
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._observer = observer
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._single = self._caller_of_settings() if api_key is not None else None
        self._other_digest = digest(api_key or "")  # to compare with when no stored key has the id
        self._keys: Mapping[str, ApiKey] = {}
        self._read_at: float | None = None
        self._down_since: float | None = None
        self._error: ArchiveUnavailable | None = None
        self._asked = False
        self._first_read: asyncio.Task[None]
        self._polling: asyncio.Task[None] | None = None

    async def caller(self, presented: str) -> Caller:
        """Whose key this is.

        Raises NotAuthorised, in the same words whatever is wrong with it, and ArchiveUnavailable when nobody can tell
        because the keys were never read, or not for HOLD_S. Takes one digest and one comparison for any key of at most
        MAX_CHARS characters.
        """
        if len(presented) > MAX_CHARS:
            raise NotAuthorised(REFUSAL)
        key_id = key_id_in(presented)
        if key_id is not None:
            await self._keep_up()
        key = self._keys.get(key_id or "")
        matches = compare_digest(self._digest(presented), key.digest if key else self._other_digest)
        if key is None and matches and self._single is not None:
            return self._single
        if key_id is not None:
            self._check_news()
        if key is None or not matches or not key.is_live(self._now()):
            raise NotAuthorised(REFUSAL)
        return self._caller(key)

    async def count(self) -> int:
        """How many keys open the door, with that of the settings. Raises ArchiveUnavailable as `caller` does.

        With a key in the settings a store that is down has no others.
        """
        await self._keep_up()
        if self._single is None:
            self._check_news()
        now = self._now()
        return sum(key.is_live(now) for key in self._keys.values()) + (self._single is not None)

    async def aclose(self) -> None:
        """Read no more. The store is left open."""
        if self._polling is not None:
            tasks = (self._first_read, self._polling)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _keep_up(self) -> None:
        """Returns at once while the store is being read regularly, also if it does not answer."""
        self._asked = True
        if self._polling is None or self._polling.done():
            self._first_read = asyncio.create_task(self._read())
            self._polling = asyncio.create_task(self._poll(self._first_read))
        await asyncio.shield(self._first_read)

    async def _poll(self, reading: Awaitable[None]) -> None:
        """From one beginning of a read to the next it is REREAD_S, until nobody has asked for so long."""
        while True:
            began, self._asked = self._clock(), False
            await reading
            await self._sleep(max(0.0, REREAD_S - (self._clock() - began)))
            if not self._asked:
                return
            reading = self._read()

    async def _read(self) -> None:
        began = self._clock()
        try:
            keys = await self._store.all()
        except ArchiveUnavailable as error:
            self._error = error
            if self._down_since is None:
                self._down_since = began
                self._observer.notify(KeysDown(str(error)))
            return
        now = self._now()
        self._keys = {key.key_id: key for key in keys if key.is_live(now)}
        self._read_at = began
        if self._down_since is not None:
            self._observer.notify(KeysUp(self._clock() - self._down_since))
            self._down_since = None

    def _check_news(self) -> None:
        if self._read_at is not None and self._clock() - self._read_at <= HOLD_S:
            return
        raise ArchiveUnavailable(f"no API key can be checked: {self._error}") from self._error

    def _caller(self, key: ApiKey) -> Caller:
        """A rotated key has owner and name of the one before, so the two share what they may use in a minute."""
        return Caller(
            owner=key.owner,
            key_name=key.name,
            quota=f"{key.owner}/{key.name}",
            scopes=key.scopes,
            requests_per_minute=key.requests_per_minute or self._requests_per_minute,
            tokens_per_minute=key.tokens_per_minute or self._tokens_per_minute,
        )

    def _caller_of_settings(self) -> Caller:
        """The command line's own owner: a conversation that was begun there goes on here."""
        return Caller(
            owner=LOCAL_OWNER,
            key_name="default",
            quota="default",
            scopes=frozenset(SCOPES),
            requests_per_minute=self._requests_per_minute,
            tokens_per_minute=self._tokens_per_minute,
        )
