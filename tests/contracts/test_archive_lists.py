"""How every Archive finds, lists, sums up and forgets sessions."""

from datetime import date
from uuid import UUID

import pytest

from nexxi_cli.core.archived import DayStats
from nexxi_cli.core.ports import Archive
from tests.contracts.archived import a_conversation, an_archived_turn, found_by, recorded
from tests.contracts.sessions import DAWN, at, found

MINUTES_A_DAY = 24 * 60


async def test_a_session_is_found_by_its_name(archive: Archive) -> None:
    session_id = await recorded(archive, "one", name="work")
    assert await archive.find("ada", "work") == [(await found(archive, session_id)).info]


async def test_of_sessions_that_shared_a_name_the_one_that_changed_last_is_found(archive: Archive) -> None:
    await recorded(archive, "one", name="work", minute=1)
    newest = await recorded(archive, "two", name="work", minute=9)
    await recorded(archive, "three", name="work", minute=5)
    assert [info.session_id for info in await archive.find("ada", "work")] == [newest]


@pytest.mark.parametrize(
    "reference", ["12345678", "1", "12345678-9ABC-", "123456789abcdef0", "12345678-9abc-def0-1234-56789abcdef0"]
)
async def test_a_session_is_found_by_the_beginning_of_its_id(archive: Archive, reference: str) -> None:
    session_id = await recorded(archive, "one", session_id=UUID("12345678-9abc-def0-1234-56789abcdef0"))
    await recorded(archive, "two", session_id=UUID("f" * 32))
    assert [info.session_id for info in await archive.find("ada", reference)] == [session_id]


@pytest.mark.parametrize("reference", ["123456780", "12345678-9abc-def0-1234-56789abcdef01", "", "-", "%", "../../x"])
async def test_what_begins_no_id_finds_nothing(archive: Archive, reference: str) -> None:
    await recorded(archive, "one", session_id=UUID("12345678-9abc-def0-1234-56789abcdef0"))
    assert await archive.find("ada", reference) == []


async def test_a_name_goes_before_the_beginning_of_an_id(archive: Archive) -> None:
    named = await recorded(archive, "one", name="abcd")
    await recorded(archive, "two", session_id=UUID("abcd" * 8))
    assert [info.session_id for info in await archive.find("ada", "abcd")] == [named]


async def test_at_most_ten_ids_are_found(archive: Archive) -> None:
    await archive.record([an_archived_turn(session_id=UUID(int=number)) for number in range(12)])
    assert len(await archive.find("ada", "0000")) == 10


async def test_nobody_sees_anything_of_another_owner_s(archive: Archive) -> None:
    session_id = await recorded(archive, "monad", owner="bob", name="work")
    assert await archive.find("ada", "work") == []
    assert await archive.find("ada", str(session_id)) == []
    assert await archive.recent("ada", limit=9) == []
    assert await archive.search("ada", "monad", limit=9) == []
    assert await archive.stats("ada", since=at(0)) == []
    assert await archive.delete_before("ada", at(99)) == 0
    assert await found_by(archive, "monad", owner="bob") == [(session_id, 1)]


async def test_owners_that_differ_in_case_or_marks_are_different(archive: Archive) -> None:
    await recorded(archive, "monad", owner="Ada")
    await recorded(archive, "monad", owner="ada\x00")
    assert await archive.recent("ada", limit=9) == []
    assert await archive.search("ada", "monad", limit=9) == []


async def test_the_session_that_changed_last_is_listed_first(archive: Archive) -> None:
    ids = [await recorded(archive, "one", minute=minute) for minute in range(3)]
    await archive.record([an_archived_turn("two", session_id=ids[1], number=2, minute=5)])
    assert [info.session_id for info in await archive.recent("ada", limit=9)] == [ids[1], ids[2], ids[0]]


async def test_a_list_is_as_long_as_it_may_be_without_the_sessions_that_are_not_wanted(archive: Archive) -> None:
    ids = [await recorded(archive, "one", minute=minute) for minute in range(8)]
    unwanted = {ids[7], ids[5], ids[0], UUID(int=1)}
    assert [info.session_id for info in await archive.recent("ada", limit=3, without=unwanted)] == [
        ids[6],
        ids[4],
        ids[3],
    ]
    assert len(await archive.recent("ada", limit=9, without=unwanted)) == 5
    assert await archive.recent("ada", limit=9, without={*ids, *(UUID(int=number) for number in range(100_000))}) == []


async def test_stats_sum_up_each_day_and_model_the_newest_day_first(archive: Archive) -> None:
    await archive.record(
        [
            an_archived_turn(minute=1, prompt_tokens=1, completion_tokens=30, first_token_s=0.5, total_s=1.0),
            an_archived_turn(minute=2, prompt_tokens=2, completion_tokens=10, first_token_s=1.5, total_s=3.0),
            an_archived_turn(minute=3, model="mistral", first_token_s=None, completion_tokens=0, total_s=0.0),
            an_archived_turn(minute=MINUTES_A_DAY, model="mistral"),
        ]
    )
    assert await archive.stats("ada", since=at(0)) == [
        DayStats(date(2026, 1, 3), "mistral", 1, 10, 20, 0.5, pytest.approx(20 / 1.5)),
        DayStats(date(2026, 1, 2), "mistral", 1, 10, 0, None, None),
        DayStats(date(2026, 1, 2), "smollm2-135m", 2, 3, 40, 1.0, 20.0),
    ]


async def test_stats_begin_where_they_are_told_to(archive: Archive) -> None:
    await archive.record([an_archived_turn(minute=minute) for minute in (1, 2, 3)])
    assert [day.turns for day in await archive.stats("ada", since=at(2))] == [2]


async def test_a_day_of_the_stats_is_a_day_in_utc(archive: Archive) -> None:
    midnight = DAWN.replace(hour=0, minute=0, second=0, microsecond=0)
    await archive.record([an_archived_turn(created_at=midnight.replace(hour=hour)) for hour in (0, 23)])
    assert [(day.day, day.turns) for day in await archive.stats("ada", since=midnight)] == [(date(2026, 1, 2), 2)]


async def test_sessions_that_have_not_changed_since_are_removed(archive: Archive) -> None:
    old, new = await recorded(archive, "monad", "two"), await recorded(archive, "monad", "two", "three")
    assert await archive.delete_before("ada", at(3)) == 1
    assert await archive.load(old) is None
    assert await found_by(archive, "monad") == [(new, 1)]
    assert await archive.delete_before("ada", at(3)) == 0


async def test_more_sessions_than_one_round_takes_are_removed(archive: Archive) -> None:
    await archive.record([an_archived_turn() for _ in range(450)])
    assert await archive.delete_before("ada", at(9)) == 450
    assert await archive.recent("ada", limit=9) == []


async def test_nothing_that_was_removed_for_its_age_comes_back_when_it_is_told_again(archive: Archive) -> None:
    conversation = a_conversation("one", "two")
    await archive.record(conversation)
    await archive.delete_before("ada", at(9))
    await archive.record(conversation)
    assert await archive.load(conversation[0].session_id) is None
