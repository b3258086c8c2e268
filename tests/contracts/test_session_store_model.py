"""Any sequence of calls leaves a SessionStore as it leaves a dictionary."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.types import FinishReason, Message, Session, Summary, Turn
from nexxi_cli.infrastructure.stores.fields import title_of
from tests.contracts.places import StorePlace
from tests.contracts.sessions import a_session, a_turn

OWNERS = st.sampled_from(["ada", "bob"])
NAMES = st.sampled_from(["work", "play", "abcd"])
TEXTS = st.text(max_size=20)
FINISHES: st.SearchStrategy[FinishReason | None] = st.sampled_from([None, "length", "interrupted", "error"])


class StoreMachine(RuleBasedStateMachine):
    """Does everything twice: to the store and to `self.model`, the sessions by id."""

    ids = Bundle("ids")

    def __init__(self, place: StorePlace) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = place.open()
        self.model: dict[UUID, Session] = {}
        self.minute = 0

    def teardown(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()

    @rule(target=ids, owner=OWNERS, name=st.none() | NAMES, system=st.none() | TEXTS)
    def create(self, owner: str, name: str | None, system: str | None) -> UUID:
        self.minute += 1
        session = a_session(owner=owner, name=name, system=system, minute=self.minute)
        expected = self.named(owner, name) or session
        self.model[expected.session_id] = expected
        assert self.runner.run(self.store.create(session)) == expected
        return expected.session_id

    @rule(session_id=ids, question=TEXTS, answer=TEXTS, finish=FINISHES)
    def append(self, session_id: UUID, question: str, answer: str, finish: FinishReason | None) -> None:
        self.minute += 1
        turn = a_turn(question, answer, finish=finish, minute=self.minute)
        if session_id not in self.model:
            with pytest.raises(NotFound):
                self.runner.run(self.store.append(session_id, turn))
            return
        self.model[session_id] = _with_turn(self.model[session_id], turn)
        assert self.runner.run(self.store.append(session_id, turn)) == self.model[session_id].info.turn_count

    @rule(session_id=ids, question=TEXTS, answer=TEXTS, finish=FINISHES, known=st.none() | st.integers(0, 5))
    def replace_last(
        self, session_id: UUID, question: str, answer: str, finish: FinishReason | None, known: int | None
    ) -> None:
        """By a caller who knows the session as it is, or knew it when it had `known` turns."""
        self.minute += 1
        turn = a_turn(question, answer, finish=finish, minute=self.minute)
        session = self.model.get(session_id)
        if session is None:
            with pytest.raises(NotFound):
                self.runner.run(self.store.append(session_id, turn, replaces_last_of=a_session().info))
            return
        turn_count = session.info.turn_count
        info = session.info if known is None else replace(session.info, turn_count=known)
        if turn_count and info == session.info:
            self.model[session_id] = _without_turns_after(session, turn_count - 1)
        self.model[session_id] = _with_turn(self.model[session_id], turn)
        kept = self.runner.run(self.store.append(session_id, turn, replaces_last_of=info))
        assert kept == self.model[session_id].info.turn_count

    @rule(session_id=ids, turns=st.integers(1, 5), text=TEXTS)
    def set_summary(self, session_id: UUID, turns: int, text: str) -> None:
        session = self.model.get(session_id)
        if session is None:
            with pytest.raises(NotFound):
                self.runner.run(self.store.set_summary(session_id, Summary(turns, text)))
        elif turns <= session.info.turn_count:
            self.runner.run(self.store.set_summary(session_id, Summary(turns, text)))
            self.model[session_id] = replace(session, summary=Summary(turns, text))

    @rule(session_id=ids, turn_count=st.integers(0, 5))
    def truncate(self, session_id: UUID, turn_count: int) -> None:
        if session_id not in self.model:
            with pytest.raises(NotFound):
                self.runner.run(self.store.truncate(session_id, turn_count))
            return
        self.runner.run(self.store.truncate(session_id, turn_count))
        self.model[session_id] = _without_turns_after(self.model[session_id], turn_count)

    @rule(session_id=ids, system=st.none() | TEXTS)
    def set_system(self, session_id: UUID, system: str | None) -> None:
        if session_id not in self.model:
            with pytest.raises(NotFound):
                self.runner.run(self.store.set_system(session_id, system))
            return
        self.runner.run(self.store.set_system(session_id, system))
        session = self.model[session_id]
        rest = tuple(message for message in session.messages if message.role != "system")
        self.model[session_id] = replace(
            session, messages=rest if system is None else (Message("system", system), *rest)
        )

    @rule(session_id=ids, name=NAMES)
    def rename(self, session_id: UUID, name: str) -> None:
        session = self.model.get(session_id)
        holder = session and self.named(session.info.owner, name)
        if session is None or (holder and holder is not session):
            with pytest.raises(NotFound if session is None else UsageError):
                self.runner.run(self.store.rename(session_id, name))
            return
        self.runner.run(self.store.rename(session_id, name))
        self.model[session_id] = replace(session, info=replace(session.info, name=name))

    @rule(session_id=consumes(ids))
    def delete(self, session_id: UUID) -> None:
        assert self.runner.run(self.store.delete(session_id)) == (self.model.pop(session_id, None) is not None)

    @rule(owner=OWNERS, name=NAMES)
    def find_by_name(self, owner: str, name: str) -> None:
        named = self.named(owner, name)
        if named is not None:
            assert self.runner.run(self.store.find(owner, name)) == [named.info]

    @rule(owner=OWNERS, session_id=ids, digits=st.integers(8, 32))
    def find_by_id(self, owner: str, session_id: UUID, digits: int) -> None:
        session = self.model.get(session_id)
        expected = [session.info] if session and session.info.owner == owner else []
        assert self.runner.run(self.store.find(owner, session_id.hex[:digits])) == expected

    @rule()
    def load_what_never_was(self) -> None:
        assert self.runner.run(self.store.load(uuid4())) is None

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        for session_id, session in self.model.items():
            assert self.runner.run(self.store.load(session_id)) == session
        for owner in ("ada", "bob"):
            infos = [session.info for session in self.model.values() if session.info.owner == owner]
            infos.sort(key=lambda info: info.updated_at, reverse=True)
            assert self.runner.run(self.store.recent(owner, limit=3)) == infos[:3]
            assert self.runner.run(self.store.recent(owner, limit=99, offset=3)) == infos[3:]

    def named(self, owner: str, name: str | None) -> Session | None:
        owned = (session for session in self.model.values() if session.info.owner == owner and name is not None)
        return next((session for session in owned if session.info.name == name), None)


def _with_turn(session: Session, turn: Turn) -> Session:
    info = replace(
        session.info,
        updated_at=turn.created_at,
        turn_count=session.info.turn_count + 1,
        title=session.info.title or title_of(turn.user.content),
        model=turn.model,
    )
    return replace(session, info=info, messages=(*session.messages, turn.user, turn.assistant))


def _without_turns_after(session: Session, turn_count: int) -> Session:
    left = min(turn_count, session.info.turn_count)
    surplus = 2 * (session.info.turn_count - left)
    return Session(
        replace(session.info, turn_count=left),
        session.messages[: len(session.messages) - surplus],
        session.summary if session.summary and session.summary.turns <= left else None,
    )


def test_a_store_behaves_like_a_dictionary(new_place: Callable[[], StorePlace]) -> None:
    run_state_machine_as_test(
        lambda: StoreMachine(new_place()),
        settings=settings(max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, database=None),
    )
