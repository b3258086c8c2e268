"""A KeyStore in memory whose moods are the test's, a clock that it turns, and a digest that counts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from nexxi_cli.core.access import ApiKey
from nexxi_cli.core.errors import ArchiveUnavailable, NotFound
from nexxi_cli.core.events import Event
from nexxi_cli.service.key_text import keyed_digest
from tests.service.conversing import NOON


class KeyShelf:
    """Keeps keys in a dict, unless it is `down`; while it is `stuck` it does not answer.

    `slow` is what it waits for between finding an answer and giving it.
    """

    def __init__(self, *keys: ApiKey) -> None:
        self.keys = {key.key_id: key for key in keys}
        self.reads = 0
        self.down = False
        self.stuck = False
        self.slow: Callable[[], Awaitable[None]] | None = None

    async def all(self) -> Sequence[ApiKey]:
        self.reads += 1
        if self.stuck:
            await asyncio.Event().wait()
        self._answer()
        keys = sorted(self.keys.values(), key=lambda key: key.created_at)
        if self.slow is not None:
            await self.slow()
        return keys

    async def add(self, key: ApiKey) -> None:
        self._answer()
        self.keys[key.key_id] = key

    async def change(self, key: ApiKey) -> None:
        self._answer()
        if key.key_id not in self.keys:
            raise NotFound("no such key")
        self.keys[key.key_id] = key

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _answer(self) -> None:
        if self.down:
            raise ArchiveUnavailable("the keys are down")


class ManualTime:
    """Noon, until the test lets time go by."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def clock(self) -> float:
        return self.passed_s

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.passed_s + seconds, woken))
        await woken.wait()

    async def go_by(self, seconds: float) -> None:
        end = self.passed_s + seconds
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            first = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove(first)
            self.passed_s = max(self.passed_s, first[0])
            first[1].set()
            await settled()
        self.passed_s = end


class CountingDigest:
    """HMAC under a fixed secret, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> bytes:
        self.asked.append(text)
        return keyed_digest("a secret of the tests", text)


class Listener:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


async def settled() -> None:
    """Let every task do what it can."""
    for _ in range(20):
        await asyncio.sleep(0)
