"""Whatever happens to the way to Redis: in the end each turn that was acknowledged is there once and in order."""

import asyncio
from contextlib import suppress
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from nexxi_cli.core.errors import NotFound, StoreUnavailable
from nexxi_cli.core.types import Message, Session, SessionInfo
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.observability.silence import SILENT
from tests.contracts.sessions import a_session, a_turn, found
from tests.infrastructure.stores.spooled import FailingStore
from tests.redis_process import RedisProcess

WRITERS = 3
CLIENTS = st.integers(0, WRITERS - 1)
NAMES = st.none() | st.sampled_from(["work", "play"])


class OutageMachine(RuleBasedStateMachine):
    """Two clients of one machine, which share a spool, and one of another; each with a way to Redis of its own."""

    ids = Bundle("ids")

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.url = url
        self.spools = [folder / "first.db", folder / "first.db", folder / "second.db"]
        self.stores = [FailingStore(url) for _ in self.spools]
        self.clients = [self.opened(writer) for writer in range(WRITERS)]
        self.number = 0
        self.taken_back: set[str] = set()  # but may stay, if another turn has followed meanwhile
        self.told: dict[tuple[int, UUID], list[str]] = {}  # what each writer was told is kept, by the session it meant

    def opened(self, writer: int) -> SpoolingSessionStore:
        store = self.stores[writer]
        return SpoolingSessionStore(store, Spool(self.spools[writer], place=store.place), SILENT)

    def next_question(self, writer: int) -> str:
        self.number += 1
        return f"{writer} {self.number}"

    @rule(target=ids, writer=CLIENTS, name=NAMES)
    def create(self, writer: int, name: str | None) -> UUID:
        question = self.next_question(writer)
        turn = a_turn(question, minute=self.number)
        session = Session(a_session(name=name, session_id=uuid4()).info, (turn.user, turn.assistant))
        kept = self.runner.run(self.clients[writer].create(session))
        if kept.session_id == session.session_id:
            self.told[writer, kept.session_id] = [question]
        return kept.session_id

    @rule(writer=CLIENTS, session_id=ids)
    def append(self, writer: int, session_id: UUID) -> None:
        question = self.next_question(writer)
        with suppress(StoreUnavailable):
            self.runner.run(self.clients[writer].load(session_id))
        self.try_to_append(writer, session_id, question)

    @rule(writer=CLIENTS, session_id=ids, mode=st.sampled_from(["down", "deaf", "slow"]))
    def append_while_the_way_breaks(self, writer: int, session_id: UUID, mode: str) -> None:
        self.append(writer, session_id)
        self.stores[writer].mode = mode
        self.try_to_append(writer, session_id, self.next_question(writer))

    @rule(writer=CLIENTS, session_id=ids, mode=st.sampled_from(["up", "down", "deaf", "slow"]))
    def answer_the_last_question_again(self, writer: int, session_id: UUID, mode: str) -> None:
        self.stores[writer].mode = "up"
        session = self.runner.run(self.clients[writer].load(session_id))
        if session is None or not session.info.turn_count:
            return
        self.stores[writer].mode = mode
        self.taken_back.update(_questions(session.messages)[-1:])
        self.try_to_append(writer, session_id, self.next_question(writer), replaces_last_of=session.info)

    @rule(writer=CLIENTS, session_id=ids, mode=st.sampled_from(["up", "down", "deaf", "slow"]))
    def take_back_the_last_turn(self, writer: int, session_id: UUID, mode: str) -> None:
        self.stores[writer].mode = "up"
        session = self.runner.run(self.clients[writer].load(session_id))
        if session is None or not session.info.turn_count:
            return
        self.stores[writer].mode = mode
        self.taken_back.update(_questions(session.messages)[-1:])
        self.runner.run(self.clients[writer].truncate(session_id, session.info.turn_count - 1))

    def try_to_append(
        self, writer: int, session_id: UUID, question: str, *, replaces_last_of: SessionInfo | None = None
    ) -> None:
        turn = a_turn(question, minute=self.number)
        try:
            self.runner.run(self.clients[writer].append(session_id, turn, replaces_last_of=replaces_last_of))
        except (NotFound, StoreUnavailable):
            return  # the session is not there yet, or this client has never seen it: the turn was refused
        self.told.setdefault((writer, session_id), []).append(question)

    @rule(writer=CLIENTS, mode=st.sampled_from(["up", "up", "down", "deaf", "slow"]))
    def change_the_way(self, writer: int, mode: str) -> None:
        self.stores[writer].mode = mode

    @rule(writer=CLIENTS, calls=st.integers(1, 3))
    def catch_up(self, writer: int, calls: int) -> None:
        self.runner.run(self.stores[writer].catch_up(calls))

    @rule(writer=CLIENTS)
    def start_anew(self, writer: int) -> None:
        """The client ends: it forgets all but its spool."""
        self.runner.run(self.clients[writer].aclose())
        self.clients[writer] = self.opened(writer)

    @rule(writer=CLIENTS)
    def list_sessions(self, writer: int) -> None:
        self.runner.run(self.clients[writer].recent("ada", limit=1))

    def teardown(self) -> None:
        for store, client in zip(self.stores, self.clients, strict=True):
            store.mode = "up"
            self.runner.run(client.recent("ada", limit=1))
            self.runner.run(store.catch_up(len(store.sent)))
        self.runner.run(self.assert_all_are_there_once_and_in_order())
        for client in self.clients:
            self.runner.run(client.aclose())
        self.runner.close()

    async def assert_all_are_there_once_and_in_order(self) -> None:
        redis = RedisSessionStore(self.url, ttl_s=None, timeout_s=30)
        infos = await redis.recent("ada", limit=999)
        sessions = {info.session_id: _questions((await found(redis, info.session_id)).messages) for info in infos}
        there = [question for questions in sessions.values() for question in questions]
        acknowledged = [question for questions in self.told.values() for question in questions]
        assert len(there) == len(set(there))
        assert set(acknowledged) <= set(there) | self.taken_back
        for (writer, session_id), told in self.told.items():
            place = await self.clients[writer].load(session_id)
            assert place is not None
            questions = sessions[place.session_id]
            expected = [question for question in told if question in questions]
            assert [question for question in questions if question in told] == expected
            assert set(told) - set(expected) <= self.taken_back
        await redis.aclose()


def _questions(messages: tuple[Message, ...]) -> list[str]:
    return [message.content for message in messages if message.role == "user"]


def test_turns_survive_whatever_happens_to_the_way_to_redis(server: RedisProcess, tmp_path: Path) -> None:
    folders = (tmp_path / str(number) for number in count())

    def machine() -> OutageMachine:
        server.client.flushall()
        return OutageMachine(server.url, next(folders))

    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True, database=None),
    )
