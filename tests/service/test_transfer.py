"""Sessions go out and come back, and conversations of other programs come in."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import FinishReason, Message, Session
from nexxi_cli.service.transfer import Format, Transcript, read_transcripts, write_session
from tests.contracts.sessions import a_session

TALK = (
    Message("system", "Be brief."),
    Message("user", "Why?"),
    Message("assistant", "Because.", "length"),
    Message("user", "So?"),
    Message("assistant", "## user\n\nSo."),
)


def session_of(messages: tuple[Message, ...]) -> Session:
    return replace(a_session(name="work"), messages=messages)


def only(text: str) -> Transcript:
    (transcript,) = read_transcripts(text)
    return transcript


@pytest.mark.parametrize("form", ["md", "json"])
def test_what_was_written_is_read_with_its_marks(form: Format) -> None:
    transcript = only(write_session(session_of(TALK), form))
    assert (transcript.messages, transcript.title) == (TALK, "work")


def test_json_lines_carry_the_messages_alone() -> None:
    transcript = only(write_session(session_of(TALK), "jsonl"))
    assert [message.content for message in transcript.messages] == [message.content for message in TALK]


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
LINES = st.lists(TEXTS | st.sampled_from(["## user", "\\## user", "\\\\## assistant (error)", "# x"]), max_size=4)
CONTENTS = LINES.map("\n".join).map(lambda text: text.strip("\n"))
FINISHES: st.SearchStrategy[FinishReason | None] = st.sampled_from([None, "length", "interrupted", "error"])


@given(st.lists(st.tuples(CONTENTS, CONTENTS, FINISHES), min_size=1, max_size=3), st.sampled_from(["md", "json"]))
def test_any_session_comes_back_as_it_was(turns: list[tuple[str, str, FinishReason | None]], form: Format) -> None:
    messages = tuple(
        message
        for question, answer, finish in turns
        for message in (Message("user", question), Message("assistant", answer, finish))
    )
    assert only(write_session(session_of(messages), form)).messages == messages


def test_several_sessions_are_a_line_each() -> None:
    text = write_session(session_of(TALK), "jsonl") * 3
    assert len(read_transcripts(text)) == 3


def test_a_line_may_be_a_message() -> None:
    text = '{"role": "user", "content": "Why?"}\n{"role": "assistant", "content": "Because."}\n'
    assert only(text).messages == (Message("user", "Why?"), Message("assistant", "Because."))


def test_sharegpt_is_read() -> None:
    talk = [{"from": "system", "value": "Be brief."}, {"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]
    transcripts = read_transcripts(json.dumps([{"id": "a", "conversations": talk}, {"conversations": talk}]))
    expected = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Ho"))
    assert [transcript.messages for transcript in transcripts] == [expected, expected]


def test_the_logs_of_llm_are_read_by_conversation_and_time() -> None:
    rows = [
        {"conversation_id": "a", "prompt": "two", "response": "re: two", "datetime_utc": "2026-01-02T03:05:00"},
        {
            "conversation_id": "a",
            "conversation_name": "numbers",
            "model": "gpt-9",
            "system": "Be brief.",
            "prompt": "one",
            "response": "re: one",
            "datetime_utc": "2026-01-02T03:04:00",
        },
        {"conversation_id": "b", "prompt": "x", "response": "y", "datetime_utc": "2026-01-03T00:00:00"},
    ]
    first, second = read_transcripts(json.dumps(rows))
    assert [message.content for message in first.messages] == ["Be brief.", "one", "re: one", "two", "re: two"]
    assert (first.title, first.model) == ("numbers", "gpt-9")
    assert first.created_at == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert len(second.messages) == 2


def test_parts_of_text_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert only(json.dumps({"messages": [{"role": "user", "content": parts}]})).messages[0].content == "a\n\nb"


def test_a_question_without_an_answer_and_an_answer_without_a_question_are_kept() -> None:
    talk = [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Hi."}]
    assert only(json.dumps({"messages": talk})).messages == (
        Message("user", ""),
        Message("assistant", "Hello."),
        Message("user", "Hi."),
        Message("assistant", "", "interrupted"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no conversation"),
        ("just prose", "no conversation"),
        ("[]", "no conversation"),
        ("{}", "neither messages nor conversations"),
        ("{\n", "line 1 is not JSON"),
        ('{"messages": []}', "no messages"),
        ('{"messages": [1]}', "message 1 of conversation 1 is not an object"),
        ('{"messages": [{"role": "tool", "content": "x"}]}', "the role 'tool'"),
        ('{"messages": [{"role": "user", "content": {"a": 1}}]}', "not text"),
        ('{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "not text"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_conversation_says_where(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_transcripts(text)
