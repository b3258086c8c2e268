"""Whatever an Archive is told, in whatever portions, it holds what a dictionary would, also when it is told twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexxi_cli.core.archived import (
    ArchivedTurn,
    ArchiveEntry,
    SessionDeleted,
    SessionRenamed,
    SessionTruncated,
    SystemReplaced,
)
from nexxi_cli.core.ports import Archive
from nexxi_cli.core.types import Message, Session, SessionInfo
from tests.contracts.archived import an_archived_turn
from tests.contracts.archives import ArchivePlace

SESSIONS = st.integers(0, 2)
NUMBERS = st.integers(1, 4)
MINUTES = st.integers(1, 9)
TEXTS = st.text(max_size=8)
NAMES = st.sampled_from(["work", "play"])

STEPS = st.one_of(
    st.tuples(st.just("turn"), SESSIONS, NUMBERS, MINUTES, TEXTS, st.none() | NAMES),
    st.tuples(st.just("truncate"), SESSIONS, st.integers(0, 4)),
    st.tuples(st.just("rename"), SESSIONS, NAMES),
    st.tuples(st.just("system"), SESSIONS, st.none() | TEXTS),
    st.tuples(st.just("delete"), SESSIONS),
)


class Story:
    """Entries, and what is left once all have been applied."""

    def __init__(self, steps: Sequence[tuple[object, ...]]) -> None:
        self.owner = str(uuid4())
        self.ids = [uuid4() for _ in range(3)]
        self.entries = [self._entry(step) for step in steps]

    def _entry(self, step: Sequence[object]) -> ArchiveEntry:
        match step:
            case ("turn", int(session), int(number), int(minute), str(text), None | str() as name):
                return an_archived_turn(
                    text, text, session_id=self.ids[session], owner=self.owner, number=number, minute=minute, name=name
                )
            case ("truncate", int(session), int(count)):
                return SessionTruncated(uuid4(), self.ids[session], count)
            case ("rename", int(session), str(name)):
                return SessionRenamed(uuid4(), self.ids[session], name)
            case ("system", int(session), None | str() as system):
                return SystemReplaced(uuid4(), self.ids[session], system)
            case ("delete", int(session)):
                return SessionDeleted(uuid4(), self.ids[session])
        raise AssertionError(step)

    def outcome(self) -> dict[UUID, Session | None]:
        infos: dict[UUID, SessionInfo] = {}
        systems: dict[UUID, str | None] = {}
        turns: dict[UUID, dict[int, ArchivedTurn]] = {}
        gone: set[UUID] = set()
        for entry in self.entries:
            key = entry.session_id
            match entry:
                case ArchivedTurn() if key not in gone:
                    known = infos.setdefault(
                        key, SessionInfo(key, self.owner, entry.session_created_at, entry.created_at)
                    )
                    turns.setdefault(key, {})[entry.number] = entry
                    if entry.created_at >= known.updated_at:
                        infos[key] = replace(known, updated_at=entry.created_at, name=entry.name, model=entry.model)
                        systems[key] = entry.system
                case SessionTruncated() if key in infos:
                    turns[key] = {number: turn for number, turn in turns[key].items() if number <= entry.turn_count}
                case SessionRenamed() if key in infos:
                    infos[key] = replace(infos[key], name=entry.name)
                case SystemReplaced() if key in infos:
                    systems[key] = entry.system
                case SessionDeleted():
                    infos.pop(key, None)
                    gone.add(key)
        return {key: _session(infos[key], systems[key], turns[key]) if key in infos else None for key in self.ids}


def _session(info: SessionInfo, system: str | None, turns: dict[int, ArchivedTurn]) -> Session:
    messages = [] if system is None else [Message("system", system)]
    for _, turn in sorted(turns.items()):
        messages += Message("user", turn.question), Message("assistant", turn.answer)
    return Session(replace(info, turn_count=len(turns)), tuple(messages))


async def holds(archive: Archive, outcome: dict[UUID, Session | None]) -> bool:
    return {key: await archive.load(key) for key in outcome} == outcome


async def run(place: ArchivePlace, story: Story, cuts: Sequence[int], prefix: int) -> None:
    archive = place.open()
    outcome = story.outcome()
    try:
        bounds = [0, *sorted(cut % (len(story.entries) + 1) for cut in cuts), len(story.entries)]
        for start, end in pairwise(bounds):
            await archive.record(story.entries[start:end])
        assert await holds(archive, outcome)
        await archive.record(story.entries[: prefix % (len(story.entries) + 1)])
        assert await holds(archive, outcome)
        await archive.record(story.entries)
        assert await holds(archive, outcome)
        listed = await archive.recent(story.owner, limit=9)
        assert {info.session_id: info for info in listed} == {
            key: s.info for key, s in outcome.items() if s is not None
        }
    finally:
        await archive.aclose()


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(STEPS, min_size=1, max_size=14),
    cuts=st.lists(st.integers(0, 14), max_size=4),
    prefix=st.integers(0, 14),
)
def test_telling_any_beginning_again_changes_nothing(
    archive_place: ArchivePlace, steps: Sequence[tuple[object, ...]], cuts: Sequence[int], prefix: int
) -> None:
    asyncio.run(run(archive_place, Story(steps), cuts, prefix))
