"""Any sequence of calls leaves a RateLimiter as it leaves a list of what was granted."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from nexxi_cli.core.access import Allowance
from nexxi_cli.infrastructure.limits.memory import MemoryRateLimiter
from tests.contracts.limiters import SecondsClock, TimedLimiter

NAMES = st.sampled_from(["ada", "bob"])
SETTINGS = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, database=None)


@dataclass
class Granted:
    """`at`: seconds, or the number of a slot."""

    name: str
    at: float
    amount: int
    allowance: Allowance


class SlotMachine(RuleBasedStateMachine):
    """Counts by slots; which one is the current one is what the limiter says."""

    def __init__(self, limiter: TimedLimiter) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.limiter = limiter
        self.granted: list[Granted] = []

    def teardown(self) -> None:
        self.runner.run(self.limiter.aclose())
        self.runner.close()

    @rule(name=NAMES, amount=st.integers(0, 12), limit=st.integers(1, 20))
    def take(self, name: str, amount: int, limit: int) -> None:
        told = self.runner.run(self.limiter.take(name, limit=limit, amount=amount))
        wait = self.slots_until(name, told.slot, limit - amount)
        assert told.granted == (wait == 0)
        assert slots_in(told.retry_after_s) == wait
        if told.granted:
            self.granted.append(Granted(name, told.slot, amount, told))
        assert told.remaining == max(0, limit - self.used(name, told.slot, told.slot))
        assert slots_in(told.reset_s) == self.slots_until(name, told.slot, 0)

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), amount=st.integers(-15, 5))
    def settle(self, data: st.DataObject, amount: int) -> None:
        entry = data.draw(st.sampled_from(self.granted[-8:]))
        self.runner.run(self.limiter.settle(entry.name, entry.allowance, amount=amount))
        held = sum(other.amount for other in self.granted if (other.name, other.at) == (entry.name, entry.at))
        entry.amount += max(amount, -held)

    @rule(seconds=st.sampled_from([1, 7, 20, 30, 60, 61, 500]))
    def advance(self, seconds: int) -> None:
        self.runner.run(self.limiter.advance(seconds))

    def used(self, name: str, now: int, then: int) -> int:
        """What counts in the slot `then` of all that was granted up to `now`."""
        return sum(entry.amount for entry in self.granted if entry.name == name and then - 60 <= entry.at <= now)

    def slots_until(self, name: str, now: int, most: int) -> float:
        """How many slots later no more than `most` counts."""
        return next((later for later in range(62) if self.used(name, now, now + later) <= most), math.inf)


def slots_in(seconds: float) -> float:
    """How many slots have begun after so many seconds from the current one."""
    return seconds if math.isinf(seconds) else math.ceil(seconds - 2e-6)


class TimeMachine(RuleBasedStateMachine):
    """Counts by exact times: windows of any sixty seconds, and of one second more."""

    LIMIT = 20

    def __init__(self) -> None:
        super().__init__()
        self.clock = SecondsClock()
        self.limiter = MemoryRateLimiter(self.clock)
        self.granted: list[Granted] = []

    @rule(amount=st.integers(1, LIMIT), waits=st.booleans())
    def take(self, amount: int, *, waits: bool) -> None:
        told = self.ask(amount)
        if told.granted or not waits:
            return
        self.clock.now_s += told.retry_after_s - 1e-5
        assert not self.ask(amount).granted
        self.clock.now_s += 1e-5
        assert self.ask(amount).granted

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.granted[-8:]))
        amount = data.draw(st.integers(0, entry.amount))
        asyncio.run(self.limiter.settle("ada", entry.allowance, amount=-amount))
        entry.amount -= amount

    @rule(seconds=st.floats(0, 25) | st.sampled_from([0.5, 1, 59, 60, 61]))
    def advance(self, seconds: float) -> None:
        self.clock.now_s += seconds

    def ask(self, amount: int) -> Allowance:
        told = asyncio.run(self.limiter.take("ada", limit=self.LIMIT, amount=amount))
        if told.granted:
            self.granted.append(Granted("ada", self.clock.now_s, amount, told))
            assert self.used(60) <= self.LIMIT
        else:
            assert self.used(61) + amount > self.LIMIT
        return told

    def used(self, seconds: int) -> int:
        return sum(entry.amount for entry in self.granted if entry.at >= self.clock.now_s - seconds)


def test_a_limiter_counts_as_a_list_of_slots_does(new_limiter: Callable[[], TimedLimiter]) -> None:
    run_state_machine_as_test(lambda: SlotMachine(new_limiter()), settings=SETTINGS)


def test_no_sixty_seconds_hold_more_than_the_limit_and_no_refusal_looks_back_further_than_sixty_one() -> None:
    run_state_machine_as_test(TimeMachine, settings=SETTINGS)
