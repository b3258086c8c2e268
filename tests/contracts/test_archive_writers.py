"""Many writers of one archive and of one outbox at once, and writers that are killed."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from nexxi_cli.core.ports import Archive
from nexxi_cli.infrastructure.archive.outbox import Outbox, OutboxCount
from tests.contracts.archive_writer import turns
from tests.contracts.archived import found_by, questions_in
from tests.contracts.archives import ArchivePlace

ROOT = Path(__file__).parents[2]
SESSIONS = [UUID(int=number) for number in range(6)]
TURNS = 20

Writer = subprocess.Popen[str]
StartWriter = Callable[[str, object, int], Writer]


@pytest.fixture
def outbox_path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def start_writer(archive_place: ArchivePlace, outbox_path: Path) -> Iterator[StartWriter]:
    """Starts processes that are ready to write: mode, label, count."""
    with ExitStack() as writers:

        def start(mode: str, label: object, count: int) -> Writer:
            arguments = [mode, archive_place.url, str(outbox_path), str(label), str(count)]
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.contracts.archive_writer", *arguments],
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


def let_go(process: Writer) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def said(process: Writer) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def race(processes: Sequence[Writer]) -> None:
    """Let all go at once and wait until all have ended well."""
    assert [said(process) for process in processes] == ["ready"] * len(processes)
    for process in processes:
        let_go(process)
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(errors)


def kill_after(process: Writer, given: int) -> None:
    """Let it go and kill it, as SIGKILL does, once it has said that the archive was given so many turns."""
    assert said(process) == "ready"
    let_go(process)
    for count in range(1, given + 1):
        assert said(process) == str(count)
    process.kill()
    process.wait()


def all_questions(count: int) -> list[str]:
    return [f"monad {number}" for number in range(1, count + 1)]


async def test_turns_of_many_processes_are_all_kept(archive: Archive, start_writer: StartWriter) -> None:
    await asyncio.to_thread(race, [start_writer("record", session_id, TURNS) for session_id in SESSIONS])
    for session_id in SESSIONS:
        assert await questions_in(archive, session_id) == all_questions(TURNS)
    assert len(await found_by(archive, "monad", limit=999)) == len(SESSIONS) * TURNS


async def test_turns_of_many_tasks_in_many_sessions_are_all_kept(archive: Archive) -> None:
    conversations = [turns(str(session_id), TURNS) for session_id in SESSIONS]
    mixed = [turn for numbered in zip(*conversations, strict=True) for turn in numbered]
    await asyncio.gather(*(archive.record(part) for part in (mixed, mixed[::-1], mixed[5:], mixed[::3])))
    for session_id in SESSIONS:
        assert await questions_in(archive, session_id) == all_questions(TURNS)


async def test_an_outbox_that_many_fill_and_drain_at_once_gives_each_turn_once(
    archive: Archive, start_writer: StartWriter, outbox_path: Path
) -> None:
    putting = [start_writer("put", session_id, TURNS) for session_id in SESSIONS[:3]]
    await asyncio.to_thread(race, [*putting, *(start_writer("drain", "", 0) for _ in range(3))])
    outbox = Outbox(outbox_path)
    await outbox.drain(archive)
    assert await outbox.count() == OutboxCount(waiting=0, set_aside=0)
    await outbox.aclose()
    for session_id in SESSIONS[:3]:
        assert await questions_in(archive, session_id) == all_questions(TURNS)


@pytest.mark.parametrize("given", [1, 2, 7])
async def test_a_drain_that_is_killed_loses_and_doubles_nothing(
    archive: Archive, start_writer: StartWriter, outbox_path: Path, given: int
) -> None:
    session_id = uuid4()
    outbox = Outbox(outbox_path)
    await outbox.put(turns(str(session_id), TURNS))
    await asyncio.to_thread(kill_after, start_writer("drain", "", 0), given)
    left = (await outbox.count()).waiting
    assert left <= TURNS - given + 1
    assert await outbox.drain(archive) == left
    await outbox.aclose()
    assert await questions_in(archive, session_id) == all_questions(TURNS)
    assert len(await found_by(archive, "monad", limit=99)) == TURNS
