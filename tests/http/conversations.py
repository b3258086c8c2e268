"""Many clients whose conversations go on while servers come and go, and what became of each turn."""

import asyncio
import itertools
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.http.serving import HEADERS
from tests.http.test_chat_route import events_of
from tests.infrastructure.model_server.upstream import REPLY

CONVERSATIONS = 10
ANSWER = "".join(REPLY)
PAUSE_S = 0.1
"""Before a client that was told to come back asks another server; shorter than it was told, to ask more."""


@dataclass
class Conversation:
    """A client that asks the servers by turns, and asks another when one refuses the connection or says 503.

    Anything else is a failure, a connection that breaks off too: its client could not know what became of the turn.
    """

    name: str
    urls: Sequence[str]
    trusted: ssl.SSLContext | None = None
    asked: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    async def go_on(self) -> None:
        """Turn after turn until it is over."""
        async with client_for(self.trusted) as client:
            places = itertools.cycle(self.urls)
            while not self.is_over:
                question = f"{self.name} asks {len(self.asked)}?"
                await self._turn(client, places, question)
                self.asked.append(question)

    async def _turn(self, client: httpx.AsyncClient, places: Iterator[str], question: str) -> None:
        streams = len(self.asked) % 2 == 0
        body = {"message": question, "session_id": self.name, "stream": streams}
        for url in places:
            try:
                answer = await client.post(f"{url}/v1/chat", json=body)
            except httpx.ConnectError:
                self.outcomes["refused connection"] += 1
                await asyncio.sleep(PAUSE_S)
                continue
            except httpx.HTTPError as error:
                self.outcomes[f"failure: {type(error).__name__} {error}"] += 1
                return
            if answer.status_code == 503 and int(answer.headers.get("retry-after", "0")) >= 1 and _is_refusal(answer):
                self.outcomes["503"] += 1
                await asyncio.sleep(PAUSE_S)
                continue
            is_whole = answer.status_code == 200 and (not streams or events_of(answer.text)[-1] == "[DONE]")
            self.outcomes["200" if is_whole else f"failure: {answer.status_code} {answer.text[-200:]}"] += 1
            return


def _is_refusal(answer: httpx.Response) -> bool:
    """Whether the server is leaving, or nobody is behind the proxy: the request was not begun.

    A store that does not answer in time is a 503 too, and the turn may be kept in the end.
    """
    error = answer.json()["error"]
    return error["type"] == "overloaded_error" or error["message"] == "Nexxi does not answer"


def client_for(trusted: ssl.SSLContext | None) -> httpx.AsyncClient:
    """A client with a key."""
    return httpx.AsyncClient(headers=HEADERS, timeout=30, verify=trusted or True)


@asynccontextmanager
async def conversations(*urls: str, trusted: ssl.SSLContext | None = None) -> AsyncIterator[list[Conversation]]:
    """Many, which go on meanwhile; afterwards each is looked at on every server. `trusted`: who certifies them."""
    held = [Conversation(f"c{number}", urls, trusted) for number in range(CONVERSATIONS)]
    going = [asyncio.create_task(conversation.go_on()) for conversation in held]
    try:
        yield held
    finally:
        for conversation in held:
            conversation.is_over = True
        await asyncio.gather(*going)
    outcomes = sum((conversation.outcomes for conversation in held), Counter[str]())
    assert not [outcome for outcome in outcomes if outcome.startswith("failure")], outcomes
    async with client_for(trusted) as client:
        for conversation, url in itertools.product(held, urls):
            shown = (await client.get(f"{url}/v1/sessions/{conversation.name}")).json()["messages"]
            assert [said["content"] for said in shown if said["role"] == "user"] == conversation.asked
            assert {said["content"] for said in shown if said["role"] == "assistant"} == {ANSWER}


async def progress(held: Sequence[Conversation], turns: int = 2) -> None:
    """Wait until each conversation has gone on by so many turns."""
    goals = [len(conversation.asked) + turns for conversation in held]
    async with asyncio.timeout(30):
        while any(len(conversation.asked) < goal for conversation, goal in zip(held, goals, strict=True)):  # noqa: ASYNC110 - from outside
            await asyncio.sleep(0.02)
