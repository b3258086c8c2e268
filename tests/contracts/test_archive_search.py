"""How every Archive searches."""

from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexxi_cli.core.archived import MATCH_END, MATCH_START, SessionTruncated
from nexxi_cli.core.ports import Archive
from tests.contracts.archived import an_archived_turn, found_by, recorded
from tests.contracts.archives import ArchivePlace
from tests.contracts.sessions import found


def marked(snippet: str) -> str:
    return snippet.replace(MATCH_START, "[").replace(MATCH_END, "]")


async def test_a_hit_tells_session_turn_and_place(archive: Archive) -> None:
    session_id = await recorded(archive, "one", "What is a monad?", name="work")
    (hit,) = await archive.search("ada", "monad", limit=9)
    assert (hit.session, hit.number) == ((await found(archive, session_id)).info, 2)
    assert marked(hit.snippet) == "What is a [monad]?"
    assert hit.rank > 0


async def test_all_words_have_to_be_there_in_question_and_answer_together(archive: Archive) -> None:
    both = an_archived_turn("What is a monad?", "A burrito.")
    await archive.record([both, an_archived_turn("monad", "taco"), an_archived_turn("burrito", "taco")])
    assert await found_by(archive, "burrito monad") == [(both.session_id, 1)]


async def test_the_turn_that_says_most_of_it_comes_first(archive: Archive) -> None:
    other = [an_archived_turn(f"question {number}", "nothing of it " * 9) for number in range(20)]
    little = an_archived_turn("monad", "and then something else altogether " * 9)
    much = an_archived_turn("monad monad", "a monad is a monad")
    await archive.record([much, *other, little])
    assert await found_by(archive, "monad") == [(much.session_id, 1), (little.session_id, 1)]
    assert await found_by(archive, "monad", limit=1) == [(much.session_id, 1)]


async def test_ranks_fall(archive: Archive) -> None:
    await archive.record([an_archived_turn("monad " * number, "x " * 50) for number in range(1, 6)])
    ranks = [hit.rank for hit in await archive.search("ada", "monad", limit=9)]
    assert ranks == sorted(ranks, reverse=True)
    assert len(ranks) == 5


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Grüße aus Köln", "GRUSSE koln"),
        ("Gru\u0308ße", "grüße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Привет, мир", "ПРИВЕТ"),
        ("你好世界", "世界"),
        ("\uff4d\uff4f\uff4e\uff41\uff44\u3000wide", "monad wide"),
        ("مرحبا بالعالم", "مرحبا"),
        ("हिन्दी भाषा", "हिन्दी"),
        ("สวัสดีชาวโลก", "ชาวโลก"),
        ("안녕하세요 세계", "세계"),
        ("call foo.bar(x-1)", "foo.bar"),
        ("see https://example.com/page?id=7", "example"),
        ("mail ada@example.com", "ada@example.com"),
        ("<b>bold</b> & co", "bold"),
        ("snake_case", "snake"),
        ("version 3.14", "3.14"),
        ("a\x00b", "b"),
        ("it's", "it's"),
    ],
)
async def test_words_of_any_script_are_found(archive: Archive, text: str, query: str) -> None:
    session_id = await recorded(archive, "something else", text)
    assert await found_by(archive, query) == [(session_id, 2)]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("你好世界", "界世"),
        ("foo.bar", "bar.foo"),
        ("monads", "monad"),
        ("monad", "monads"),
        ("a b", "c"),
        ("one", "x" * 99),
    ],
)
async def test_what_is_not_there_is_not_found(archive: Archive, text: str, query: str) -> None:
    await recorded(archive, text)
    assert await found_by(archive, query) == []


@pytest.mark.parametrize("query", ["", " \n", "\x00", "*", "-", '"', "''", "()", "&|!", "<->", "--", "🙂", "\ud800"])
async def test_what_has_no_word_finds_nothing(archive: Archive, query: str) -> None:
    await recorded(archive, query or "x", "and or not near")
    assert await found_by(archive, query) == []


@pytest.mark.parametrize(
    "query",
    [
        '"monad',
        "monad*",
        "-monad",
        "(monad",
        "^monad",
        "monad:*",
        "!monad",
        "monad'; DROP TABLE archive_turns; --",
        "words:monad",
        "{owner}:monad",
        "monad\\",
        "monad\x00",
        "monad & | !",
        "mo\ud800 monad",
    ],
)
async def test_nothing_that_is_typed_is_syntax(archive: Archive, query: str) -> None:
    words = "monad drop table archive turns words owner mo"
    session_id = await recorded(archive, f"{words} archive_turns words:monad {{owner}}:monad")
    assert await found_by(archive, query) == [(session_id, 1)]


@pytest.mark.parametrize("word", ["AND", "OR", "NOT", "NEAR", "owner", "words"])
async def test_what_other_programs_take_for_operators_are_words(archive: Archive, word: str) -> None:
    session_id = await recorded(archive, f"this {word} that")
    assert await found_by(archive, f"this {word} that") == [(session_id, 1)]
    assert await found_by(archive, f"this {word} missing") == []


@given(query=st.text(max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_query_fails(archive_place: ArchivePlace, query: str) -> None:
    archive = archive_place.open()
    await archive.search("ada", query, limit=9)
    await archive.search(query, "monad", limit=9)
    await archive.aclose()


async def test_a_query_of_a_million_characters_is_answered(archive: Archive) -> None:
    session_id = await recorded(archive, "monad " * 40)
    assert await found_by(archive, "monad " * 200_000) == [(session_id, 1)]
    assert await found_by(archive, "x" * 1_000_000) == []
    assert await found_by(archive, "a.b" * 300_000) == []


@pytest.mark.parametrize(
    "unit", ["{0:08d}abcdefgh ", "{0:060d} ", "\U00010400{0:030d} "], ids=["short", "long", "wide"]
)
async def test_a_very_long_text_is_kept_whole_and_found_by_its_first_words(archive: Archive, unit: str) -> None:
    text = "monad " + "".join(unit.format(number) for number in range(60_000))
    session_id = await recorded(archive, text)
    assert await found_by(archive, "monad") == [(session_id, 1)]
    assert (await found(archive, session_id)).messages[0].content == text


async def test_what_was_taken_back_is_not_found(archive: Archive) -> None:
    session_id = await recorded(archive, "one", "monad")
    await archive.record([SessionTruncated(uuid4(), session_id, 1)])
    assert await found_by(archive, "monad") == []
    await archive.record([an_archived_turn("burrito", session_id=session_id, number=2)])
    assert await found_by(archive, "burrito") == [(session_id, 2)]
    assert await found_by(archive, "monad") == []


async def test_of_very_many_matches_the_newest_are_ranked(archive: Archive) -> None:
    await archive.record([an_archived_turn("monad", session_id=UUID(int=number)) for number in range(1200)])
    hits = [session_id.int for session_id, _ in await found_by(archive, "monad", limit=50)]
    assert len(hits) == 50
    assert min(hits) >= 200
