"""What every Archive does with what it is told. Lists: see test_archive_lists; search: see test_archive_search."""

from dataclasses import replace
from datetime import timedelta, timezone
from uuid import uuid4

import pytest

from nexxi_cli.core.archived import ArchiveEntry, SessionDeleted, SessionRenamed, SessionTruncated, SystemReplaced
from nexxi_cli.core.ports import Archive
from nexxi_cli.core.types import FinishReason, Message, Session, SessionInfo
from tests.contracts.archived import a_conversation, an_archived_turn, questions_in, recorded
from tests.contracts.sessions import at, found, texts


async def test_a_session_comes_back_with_its_turns_in_order(archive: Archive) -> None:
    first, second = a_conversation("one", "two", name="work", title="one", system="Be brief.")
    await archive.record([first, second])
    assert await archive.load(first.session_id) == Session(
        SessionInfo(first.session_id, "ada", at(0), at(2), 2, "work", "one", "smollm2-135m"),
        (
            Message("system", "Be brief."),
            Message("user", "one"),
            Message("assistant", "re: one"),
            Message("user", "two"),
            Message("assistant", "re: two"),
        ),
    )


async def test_a_session_that_is_not_there_is_loaded_as_none(archive: Archive) -> None:
    assert await archive.load(uuid4()) is None


async def test_recording_nothing_changes_nothing(archive: Archive) -> None:
    await archive.record([])
    assert await archive.recent("ada", limit=9) == []


async def test_times_come_back_in_utc(archive: Archive) -> None:
    abroad = timezone(timedelta(hours=9))
    turn = an_archived_turn(created_at=at(1).astimezone(abroad), session_created_at=at(0).astimezone(abroad))
    await archive.record([turn])
    (info,) = await archive.recent("ada", limit=9)
    assert (info.created_at, info.updated_at) == (at(0), at(1))
    assert (info.created_at.utcoffset(), info.updated_at.utcoffset()) == (timedelta(0), timedelta(0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t\r\n",
        "Grüße, 世界 👩‍👩‍👧‍👦 \u202e\ufeff",
        "a\x00b\x1a0000",
        "\ud800 half",
        "\"\\'; DROP TABLE x; --",
        "🙂" * 50_000,
    ],
    ids=["empty", "blank", "unicode", "nul", "surrogate", "quotes", "long"],
)
async def test_any_text_comes_back_as_it_was(archive: Archive, text: str) -> None:
    turn = an_archived_turn(text, text, owner=f"o{text[:9]}", system=text, title=text, name=text, model=text)
    await archive.record([turn])
    session = await found(archive, turn.session_id)
    assert texts(session) == [text, text, text]
    assert (session.info.owner, session.info.title, session.info.name, session.info.model) == (
        turn.owner,
        text,
        text,
        text,
    )
    assert await archive.recent(turn.owner, limit=9) == [session.info]


@pytest.mark.parametrize(
    ("finish", "mark"), [("stop", None), ("length", "length"), ("interrupted", "interrupted"), ("error", "error")]
)
async def test_a_reply_keeps_the_mark_of_how_it_ended(
    archive: Archive, finish: FinishReason, mark: FinishReason | None
) -> None:
    turn = an_archived_turn(finish=finish)
    await archive.record([turn])
    assert (await found(archive, turn.session_id)).messages[-1].finish == mark


async def test_the_same_entries_recorded_twice_are_kept_once(archive: Archive) -> None:
    conversation = a_conversation("one", "two")
    await archive.record(conversation)
    before = await archive.load(conversation[0].session_id)
    await archive.record(conversation)
    await archive.record([*conversation, *conversation])
    assert await archive.load(conversation[0].session_id) == before


async def test_a_turn_takes_the_place_of_one_with_its_number(archive: Archive) -> None:
    session_id = await recorded(archive, "one", "two")
    await archive.record([an_archived_turn("zwei", session_id=session_id, number=2, minute=5)])
    assert await questions_in(archive, session_id) == ["one", "zwei"]
    assert (await found(archive, session_id)).info.turn_count == 2


@pytest.mark.parametrize("together", [True, False])
async def test_a_turn_that_was_taken_back_gives_way_to_the_next(archive: Archive, *, together: bool) -> None:
    first, second = a_conversation("one", "two")
    undone = SessionTruncated(uuid4(), first.session_id, 1)
    again = an_archived_turn("three", session_id=first.session_id, number=2, minute=5)
    entries: list[ArchiveEntry] = [first, second, undone, again]
    for batch in [entries] if together else [[entry] for entry in entries]:
        await archive.record(batch)
    assert await questions_in(archive, first.session_id) == ["one", "three"]
    await archive.record([second, undone])
    assert await questions_in(archive, first.session_id) == ["one", "three"]


@pytest.mark.parametrize(("turn_count", "left"), [(0, 0), (1, 1), (3, 3), (9, 3)])
async def test_truncation_keeps_the_first_turns(archive: Archive, turn_count: int, left: int) -> None:
    session_id = await recorded(archive, "one", "two", "three")
    await archive.record([SessionTruncated(uuid4(), session_id, turn_count)])
    assert await questions_in(archive, session_id) == ["one", "two", "three"][:left]
    assert (await found(archive, session_id)).info.turn_count == left


async def test_a_turn_that_arrives_late_stands_in_its_place_and_renames_nothing(archive: Archive) -> None:
    first, second = a_conversation("one", "two")
    await archive.record([replace(second, name="new")])
    await archive.record([replace(first, name="old")])
    session = await found(archive, first.session_id)
    assert texts(session)[::2] == ["one", "two"]
    assert (session.info.name, session.info.updated_at) == ("new", at(2))


async def test_the_newest_turn_says_what_its_session_is_called(archive: Archive) -> None:
    first, second = a_conversation("one", "two", name="work", system="Be brief.")
    await archive.record([first, replace(second, name="play", title="two", system=None, model="mistral")])
    session = await found(archive, first.session_id)
    assert (session.info.name, session.info.title, session.info.model) == ("play", "two", "mistral")
    assert texts(session) == ["one", "re: one", "two", "re: two"]


async def test_a_session_is_renamed(archive: Archive) -> None:
    session_id = await recorded(archive, "one", name="work")
    await archive.record([SessionRenamed(uuid4(), session_id, "play")])
    assert [info.session_id for info in await archive.find("ada", "play")] == [session_id]
    assert await archive.find("ada", "work") == []


@pytest.mark.parametrize("system", [None, "", "Be verbose."])
async def test_the_system_message_is_replaced_or_removed(archive: Archive, system: str | None) -> None:
    session_id = await recorded(archive, "one", system="Be brief.")
    await archive.record([SystemReplaced(uuid4(), session_id, system)])
    assert texts(await archive.load(session_id)) == [*([] if system is None else [system]), "one", "re: one"]


async def test_a_deleted_session_is_gone(archive: Archive) -> None:
    gone, stays = await recorded(archive, "one", name="work"), await recorded(archive, "two")
    await archive.record([SessionDeleted(uuid4(), gone)])
    assert await archive.load(gone) is None
    assert await archive.find("ada", "work") == []
    assert [info.session_id for info in await archive.recent("ada", limit=9)] == [stays]
    assert await archive.search("ada", "one", limit=9) == []


async def test_no_late_turn_brings_a_deleted_session_back(archive: Archive) -> None:
    first, second = a_conversation("one", "two")
    await archive.record([first, SessionDeleted(uuid4(), first.session_id), second])
    await archive.record([an_archived_turn("three", session_id=first.session_id, number=3)])
    await archive.record([SessionDeleted(uuid4(), first.session_id)])
    assert await archive.load(first.session_id) is None


async def test_changes_of_a_session_that_is_not_there_are_ignored(archive: Archive) -> None:
    missing = uuid4()
    await archive.record(
        [
            SessionTruncated(uuid4(), missing, 0),
            SessionRenamed(uuid4(), missing, "work"),
            SystemReplaced(uuid4(), missing, "Be brief."),
            SessionDeleted(uuid4(), missing),
        ]
    )
    assert await archive.load(missing) is None


async def test_more_entries_than_one_round_of_statements_takes_are_recorded(archive: Archive) -> None:
    session_id = await recorded(archive, *(f"question {number}" for number in range(1, 451)))
    assert await questions_in(archive, session_id) == [f"question {number}" for number in range(1, 451)]
