"""How every SessionStore names, finds, lists and deletes sessions."""

from uuid import UUID

import pytest

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.ports import SessionStore
from tests.contracts.sessions import a_session, a_turn, found, kept, texts


async def test_a_name_leads_to_the_session_that_has_it(store: SessionStore) -> None:
    first = await store.create(a_session(name="work", system="the first"))
    assert await store.create(a_session(name="work", system="the second")) == first
    assert [info.session_id for info in await store.recent("ada", limit=9)] == [first.session_id]


async def test_a_session_found_by_its_name_comes_with_its_turns(store: SessionStore) -> None:
    await kept(store, a_session(name="work"), "one")
    assert texts(await store.create(a_session(name="work"))) == ["one", "re: one"]


async def test_owners_do_not_share_names(store: SessionStore) -> None:
    of_ada = await store.create(a_session(owner="ada", name="work"))
    of_bob = await store.create(a_session(owner="bob", name="work"))
    assert of_ada.session_id != of_bob.session_id


async def test_a_session_is_renamed(store: SessionStore) -> None:
    session_id = await kept(store, a_session(name="work"), "one")
    await store.rename(session_id, "play")
    assert [info.name for info in await store.find("ada", "play")] == ["play"]
    assert await store.find("ada", "work") == []
    assert (await found(store, session_id)).info.name == "play"


async def test_a_name_that_was_given_up_is_free(store: SessionStore) -> None:
    session_id = await kept(store, a_session(name="work"))
    await store.rename(session_id, "play")
    assert (await store.create(a_session(name="work"))).session_id != session_id


async def test_a_taken_name_is_refused(store: SessionStore) -> None:
    await store.create(a_session(name="work"))
    session_id = await kept(store, a_session(name="play"))
    with pytest.raises(UsageError, match="work"):
        await store.rename(session_id, "work")
    assert [info.session_id for info in await store.find("ada", "play")] == [session_id]


async def test_a_session_may_be_given_its_own_name(store: SessionStore) -> None:
    session_id = await kept(store, a_session(name="work"))
    await store.rename(session_id, "work")
    assert [info.session_id for info in await store.find("ada", "work")] == [session_id]


async def test_another_owner_s_name_may_be_given(store: SessionStore) -> None:
    await store.create(a_session(owner="bob", name="work"))
    session_id = await kept(store, a_session())
    await store.rename(session_id, "work")
    assert [info.session_id for info in await store.find("ada", "work")] == [session_id]


@pytest.mark.parametrize(
    "reference", ["12345678", "1", "12345678-9ABC-", "123456789abcdef0", "12345678-9abc-def0-1234-56789abcdef0"]
)
async def test_a_session_is_found_by_the_beginning_of_its_id(store: SessionStore, reference: str) -> None:
    session = a_session(session_id=UUID("12345678-9abc-def0-1234-56789abcdef0"))
    await store.create(session)
    await store.create(a_session(session_id=UUID("f" * 32)))
    assert await store.find("ada", reference) == [session.info]


@pytest.mark.parametrize("reference", ["123456780", "12345678-9abc-def0-1234-56789abcdef01", "", "-", "%", "../../x"])
async def test_what_begins_no_id_finds_nothing(store: SessionStore, reference: str) -> None:
    await store.create(a_session(session_id=UUID("12345678-9abc-def0-1234-56789abcdef0")))
    assert await store.find("ada", reference) == []


async def test_a_name_goes_before_the_beginning_of_an_id(store: SessionStore) -> None:
    named = a_session(name="abcd")
    await store.create(named)
    await store.create(a_session(session_id=UUID("abcd" * 8)))
    assert await store.find("ada", "abcd") == [named.info]


async def test_at_most_ten_ids_are_found(store: SessionStore) -> None:
    for number in range(12):
        await store.create(a_session(session_id=UUID(int=number)))
    assert len(await store.find("ada", "0000")) == 10


async def test_nobody_finds_another_owner_s_session(store: SessionStore) -> None:
    session = a_session(owner="bob", name="work")
    await store.create(session)
    assert await store.find("ada", "work") == []
    assert await store.find("ada", str(session.session_id)) == []
    assert await store.recent("ada", limit=9) == []


async def test_the_session_that_changed_last_is_listed_first(store: SessionStore) -> None:
    ids = [await kept(store, a_session(minute=minute)) for minute in range(3)]
    await store.append(ids[1], a_turn(minute=5))
    assert [info.session_id for info in await store.recent("ada", limit=9)] == [ids[1], ids[2], ids[0]]


async def test_pages_of_a_list_show_each_session_once(store: SessionStore) -> None:
    ids = {await kept(store, a_session(minute=number // 3)) for number in range(11)}
    pages = [await store.recent("ada", limit=4, offset=offset) for offset in (0, 4, 8, 12)]
    assert [len(page) for page in pages] == [4, 4, 3, 0]
    assert {info.session_id for page in pages for info in page} == ids


async def test_a_list_shows_what_the_sessions_hold(store: SessionStore) -> None:
    session_id = await kept(store, a_session(name="work"), "one", "two")
    assert await store.recent("ada", limit=9) == [(await found(store, session_id)).info]


async def test_a_deleted_session_is_gone(store: SessionStore) -> None:
    session_id = await kept(store, a_session(name="work"), "one")
    assert await store.delete(session_id)
    assert await store.load(session_id) is None
    assert await store.find("ada", "work") == []
    assert await store.find("ada", str(session_id)) == []
    assert await store.recent("ada", limit=9) == []


async def test_there_is_nothing_to_delete_twice(store: SessionStore) -> None:
    session_id = await kept(store, a_session())
    await store.delete(session_id)
    assert not await store.delete(session_id)


async def test_nothing_of_a_deleted_session_comes_back_with_its_name_or_id(store: SessionStore) -> None:
    session_id = await kept(store, a_session(name="work", system="Be brief."), "one")
    await store.delete(session_id)
    await store.create(a_session(name="work", session_id=session_id))
    assert texts(await store.load(session_id)) == []


async def test_deleting_one_session_leaves_the_others(store: SessionStore) -> None:
    gone, stays = await kept(store, a_session(), "one"), await kept(store, a_session(), "two")
    await store.delete(gone)
    assert texts(await store.load(stays)) == ["two", "re: two"]
