"""Several model servers: who is asked, who is left out, and what becomes of a request whose server dies."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from nexxi_cli.core.errors import ModelServerUnavailable, Overloaded
from nexxi_cli.core.events import ModelServerDown, ModelServerUp
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.model_server.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker
from nexxi_cli.infrastructure.model_server.completion import Completion
from nexxi_cli.infrastructure.model_server.connection import new_client
from nexxi_cli.infrastructure.model_server.openai import OpenAiServer
from nexxi_cli.infrastructure.model_server.pool import ServerPool
from tests.infrastructure.model_server.asking import QUESTION, Api, Heard, backend_of, said
from tests.infrastructure.model_server.upstream import REPLY, Script, breaking_off, refusing, saying, upstream

ANSWER = "".join(REPLY)
WANTED = Completion("scripted", QUESTION, Sampling(), 10, "salt")


async def test_requests_go_to_the_server_that_has_least_to_do(api: Api) -> None:
    slow = {"delay_s": 0.05}
    async with api.upstream(**slow) as one, api.upstream(**slow) as other, backend_of(one, other) as backend:
        assert await asyncio.gather(*(said(backend) for _ in range(10))) == [ANSWER] * 10
        assert (len(one.completions), len(other.completions)) == (5, 5)


@pytest.mark.parametrize(
    "script", [breaking_off(), breaking_off(b": x\n\n"), refusing(500, {}), refusing(429, {}), saying(b"data: x\n\n")]
)
async def test_a_server_that_fails_before_the_first_token_is_replaced_by_the_other(api: Api, script: Script) -> None:
    async with api.upstream(script=script) as bad, api.upstream() as good, backend_of(bad, good) as backend:
        assert [await said(backend) for _ in range(6)] == [ANSWER] * 6


async def test_of_two_servers_one_is_killed_and_no_request_that_had_no_token_yet_fails(api: Api) -> None:
    slow = {"delay_s": 0.02}
    async with api.upstream(**slow) as one, api.upstream(**slow) as other, backend_of(one, other) as backend:
        begun = asyncio.Event()
        outcomes: Counter[str] = Counter()

        async def ask(number: int) -> None:
            await asyncio.sleep(number * 0.01)
            pieces = []
            try:
                async for delta in backend.generate(QUESTION, Sampling()):
                    pieces.append(delta.text)
                    begun.set()
            except ModelServerUnavailable:
                outcomes["failed" if pieces else "failed without a token"] += 1
            else:
                outcomes["whole" if "".join(pieces) == ANSWER else "torn"] += 1

        asking = [asyncio.create_task(ask(number)) for number in range(60)]
        await begun.wait()
        await asyncio.sleep(0.2)
        await one.kill()
        await asyncio.gather(*asking)
    assert outcomes["failed without a token"] == outcomes["torn"] == 0
    assert outcomes["whole"] >= 40


async def test_when_all_are_busy_the_first_to_be_free_says_when() -> None:
    async with (
        upstream(script=refusing(429, {}, retry_after="9")) as one,
        upstream(script=refusing(503, {}, retry_after="4")) as other,
        backend_of(one, other) as backend,
    ):
        with pytest.raises(Overloaded, match="try again in 4 s"):
            await said(backend)


async def test_when_none_works_the_reasons_of_all_are_told() -> None:
    async with (
        upstream(script=refusing(500, {"message": "one"})) as one,
        upstream() as other,
        backend_of(one, other) as backend,
    ):
        await backend.info()
        await other.kill()
        with pytest.raises(ModelServerUnavailable, match=r"(one; .*cannot be reached|cannot be reached.*; .*one)"):
            await said(backend)


async def test_the_only_server_is_asked_once_more_when_a_connection_was_dead() -> None:
    async with upstream() as server, backend_of(server) as backend:
        assert await said(backend) == ANSWER
        for writer in list(server._connections):
            writer.transport.abort()
        assert await said(backend) == ANSWER


async def test_a_server_without_the_model_is_left_out() -> None:
    heard = Heard()
    async with (
        upstream() as one,
        upstream(models={"other": 100}) as lacking,
        backend_of(one, lacking, model="scripted", heard=heard) as backend,
    ):
        assert [await said(backend) for _ in range(8)] == [ANSWER] * 8
        assert lacking.completions == []
    assert [down.reason for down in heard.of(ModelServerDown)] == [
        f"{lacking.url} has no model 'scripted': it has other"
    ]


async def test_an_outage_is_told_once_and_ends_when_a_look_finds_the_server_back() -> None:
    heard = Heard()
    async with upstream() as server:
        client = new_client(None, silence_s=5)
        pool = ServerPool([OpenAiServer(server.url, client)], heard, rng=random.Random(1))
        watching = asyncio.create_task(pool.watch("scripted", every_s=0.02))
        await server.kill()
        await _until(lambda: bool(heard.of(ModelServerDown)))
        with pytest.raises(ModelServerUnavailable, match="cannot be reached"):
            await anext(pool.stream(WANTED))
        await server.start()
        await _until(lambda: bool(heard.of(ModelServerUp)))
        watching.cancel()
        await client.aclose()
    (down,), (up,) = heard.of(ModelServerDown), heard.of(ModelServerUp)
    assert (down.server, down.down, up.down) == (server.url, 1, 0)
    assert up.seconds > 0


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.01)


class Clock:
    """A clock that stands until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_after_some_failures_in_a_row_and_a_success_begins_the_count_anew() -> None:
    breaker = Breaker(clock=Clock())
    for _ in range(FAILURES - 1):
        assert not breaker.failed()
    breaker.worked()
    assert [breaker.failed() for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    assert not breaker.may_try()


def test_an_open_breaker_lets_one_try_after_each_pause_which_failures_double() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, clock=clock)
    breaker.failed()
    pauses = []
    for _ in range(6):
        began = clock.now
        while not breaker.may_try():
            clock.now += 1
        assert not breaker.may_try()
        pauses.append(clock.now - began)
        breaker.failed()
    assert pauses == [FIRST_PAUSE_S, 10, 20, 40, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert breaker.worked() == clock.now
    assert breaker.may_try()
    assert breaker.worked() is None
