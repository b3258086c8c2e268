"""Many writers of one store at once, in one process and in several, and writers that are killed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import chain, count
from pathlib import Path
from uuid import UUID

import pytest

from nexxi_cli.core.ports import SessionStore
from tests.contracts.places import StorePlace
from tests.contracts.sessions import a_session, a_turn, found, texts

ROOT = Path(__file__).parents[2]
WRITERS = [f"w{number}" for number in range(16)]
TURNS = 50
LONG = 300_000

Writer = subprocess.Popen[str]
StartWriter = Callable[[UUID | str, str, int, int], Writer]


@pytest.fixture
def start_writer(place: StorePlace) -> Iterator[StartWriter]:
    """Starts processes that are ready to write: session, label, turns, characters of an answer."""
    with ExitStack() as writers:

        def start(session: UUID | str, label: str, turns: int, answer_chars: int) -> Writer:
            arguments = (place.kind, place.address, session, label, turns, answer_chars)
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.contracts.writer", *map(str, arguments)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            writers.enter_context(process)
            writers.callback(process.kill)
            return process

        yield start


@asynccontextmanager
async def closed_at_the_end(store: SessionStore) -> AsyncIterator[SessionStore]:
    yield store
    await store.aclose()


def let_go(process: Writer) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def race(processes: Sequence[Writer]) -> None:
    """Let all go at once and wait until all have ended well."""
    for process in processes:
        assert said(process) == "ready"
    for process in processes:
        let_go(process)
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(errors)


def kill_after(process: Writer, acknowledged: int) -> None:
    """Let it go and kill it, as SIGKILL does, once it has said that so many turns are kept."""
    assert said(process) == "ready"
    let_go(process)
    for turn_count in range(1, acknowledged + 1):
        assert said(process) == str(turn_count)
    process.kill()
    process.wait()


def said(process: Writer) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def by_writer(questions: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of the turns that each writer wrote, in the order of the session."""
    written: dict[str, list[int]] = {}
    for question in questions:
        label, number = question.split()
        written.setdefault(label, []).append(int(number))
    return written


async def test_turns_of_many_tasks_all_survive_in_each_task_s_order(store: SessionStore) -> None:
    session = await store.create(a_session())

    async def write(label: str) -> list[int]:
        return [await store.append(session.session_id, a_turn(f"{label} {number}")) for number in range(TURNS)]

    counts = await asyncio.gather(*(write(label) for label in WRITERS))
    questions = texts(await store.load(session.session_id))[::2]
    assert sorted(chain.from_iterable(counts)) == list(range(1, len(WRITERS) * TURNS + 1))
    assert by_writer(questions) == {label: list(range(TURNS)) for label in WRITERS}


async def test_a_turn_that_replaces_the_last_one_among_other_writers_loses_none_of_theirs(
    place: StorePlace, store: SessionStore
) -> None:
    """A writer that answers its own last turn again loses that turn or, where others have followed it, no turn."""
    session_id = (await store.create(a_session())).session_id
    minutes, there = count(), set[str]()

    async def write(label: str) -> None:
        async with closed_at_the_end(place.open()) as own:
            for number in range(TURNS):
                await own.append(session_id, a_turn(f"{label} {number}", minute=next(minutes)))
                there.add(f"{label} {number}")
                await asyncio.sleep(0.001 * (number % 5))

    async def answer_again(label: str) -> None:
        async with closed_at_the_end(place.open()) as own:
            for number in range(TURNS):
                known = await found(own, session_id)
                last = known.messages[-2].content if known.messages else ""
                replaces = known.info if last.startswith(label) else None
                turn = a_turn(f"{label} {number}", minute=next(minutes))
                turn_count = await own.append(session_id, turn, replaces_last_of=replaces)
                there.add(turn.user.content)
                if replaces and turn_count == known.info.turn_count:
                    there.remove(last)

    await asyncio.gather(*(answer_again(f"again{n}") for n in range(2)), *(write(label) for label in WRITERS[:4]))
    await answer_again("alone")
    questions = texts(await store.load(session_id))[::2]
    assert len(questions) == len(there)
    assert set(questions) == there
    assert questions[-1:] == [question for question in questions if question.startswith("alone")]


async def test_turns_of_many_processes_all_survive_in_each_process_s_order(
    store: SessionStore, start_writer: StartWriter
) -> None:
    session = await store.create(a_session())
    await asyncio.to_thread(race, [start_writer(session.session_id, label, TURNS, 10) for label in WRITERS])
    questions = texts(await store.load(session.session_id))[::2]
    assert by_writer(questions) == {label: list(range(TURNS)) for label in WRITERS}


async def test_processes_that_create_a_name_in_a_new_store_at_once_share_one_session(
    store: SessionStore, start_writer: StartWriter
) -> None:
    await asyncio.to_thread(race, [start_writer("work", label, 1, 10) for label in WRITERS[:8]])
    (info,) = await store.recent("ada", limit=9)
    assert (info.name, info.turn_count) == ("work", 8)


@pytest.mark.parametrize("acknowledged", [1, 2, 5, 9])
async def test_a_writer_killed_in_mid_turn_leaves_whole_turns_and_a_store_that_works(
    store: SessionStore, start_writer: StartWriter, acknowledged: int
) -> None:
    session = await store.create(a_session())
    await asyncio.to_thread(kill_after, start_writer(session.session_id, "w", 10_000, LONG), acknowledged)
    left = texts(await store.load(session.session_id))
    questions, answers = left[::2], left[1::2]
    assert len(questions) >= acknowledged
    assert questions == [f"w {number}" for number in range(len(questions))]
    assert [len(answer) for answer in answers] == [LONG] * len(questions)
    assert await store.append(session.session_id, a_turn()) == len(questions) + 1
