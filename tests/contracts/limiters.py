"""Rate limiters whose time a test moves. Knows the clock of one kind and the key layout of the other."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from nexxi_cli.core.access import Allowance
from nexxi_cli.core.ports import RateLimiter
from nexxi_cli.infrastructure.limits.memory import MemoryRateLimiter
from nexxi_cli.infrastructure.limits.redis import QUOTA_KEY, RedisRateLimiter
from tests.redis_process import RedisProcess


class TimedLimiter(RateLimiter, Protocol):
    async def advance(self, seconds: float) -> None:
        """Let time pass."""


@dataclass
class SecondsClock:
    """Stands still until a test moves it."""

    now_s: float = 1000.5

    def __call__(self) -> float:
        return self.now_s


class TimedMemoryLimiter(MemoryRateLimiter):
    def __init__(self) -> None:
        self.clock = SecondsClock()
        super().__init__(self.clock)

    async def advance(self, seconds: float) -> None:
        self.clock.now_s += seconds


class TimedRedisLimiter(RedisRateLimiter):
    """Time passes by itself, and whole seconds more of it by making older what is booked. Slots are as if they had."""

    def __init__(self, server: RedisProcess) -> None:
        super().__init__(server.url, timeout_s=30)  # the suite loads the machine
        self._client = server.client
        self._passed_s = 0

    async def advance(self, seconds: float) -> None:
        await asyncio.sleep(seconds % 1)
        self.make_older(int(seconds))

    def make_older(self, seconds: int) -> None:
        self._passed_s += seconds
        for key in self._client.keys(f"{QUOTA_KEY}*"):
            held = self._client.hgetall(key)
            self._client.delete(key)
            self._client.hset(key, mapping={str(int(slot) - seconds): amount for slot, amount in held.items()})

    async def take(self, name: str, *, limit: int, amount: int = 1) -> Allowance:
        allowance = await super().take(name, limit=limit, amount=amount)
        return replace(allowance, slot=allowance.slot + self._passed_s)

    async def settle(self, name: str, allowance: Allowance, *, amount: int) -> None:
        await super().settle(name, replace(allowance, slot=allowance.slot - self._passed_s), amount=amount)
