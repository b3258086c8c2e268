"""An event is one line, which people or programs can read and nobody can forge."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from nexxi_cli.core.events import (
    ArchiveDown,
    ArchiveUnread,
    ArchiveUp,
    EngineNotShared,
    EngineShared,
    Event,
    HistoryTrimmed,
    KeysDown,
    KeysUp,
    ModelLoaded,
    ModelServerDown,
    ModelServerUp,
    QueueChanged,
    QuotaRefused,
    ReplyFinished,
    RequestAdmitted,
    RequestFailed,
    RequestScreened,
    StoreDown,
    StoreUp,
    SummaryEnded,
    SummaryStarted,
    TurnKept,
    TurnSpooled,
    WarmEngineLost,
    WarmEngineUsed,
    WorkerReplaced,
)
from nexxi_cli.core.types import Timing, Usage
from nexxi_cli.observability.lines import Style, fields_of
from nexxi_cli.observability.logs import LogObserver, flush_logs, log_to
from tests.observability.requests import served

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ESCAPES_AND_LINE_ENDS = st.text(st.sampled_from("a ='\"\\{}<>\n\r\t\x0b\x0c\x1b\x7f\x85\u2028\u2029\u202e\ud800é"))

SEEN_BY_AN_OPERATOR: dict[Event, str] = {
    served(): "INFO",
    ModelLoaded("m", 2.5): "INFO",
    StoreDown("x"): "WARNING",
    StoreUp(1.0, 0, 0): "INFO",
    ArchiveDown("x"): "WARNING",
    ArchiveUp(1.0): "INFO",
    KeysDown("x"): "WARNING",
    KeysUp(1.0): "INFO",
    ModelServerDown("http://m:1/v1", "x", 1): "WARNING",
    ModelServerUp("http://m:1/v1", 1.0, 0): "INFO",
    WorkerReplaced("x"): "WARNING",
    EngineShared("m"): "INFO",
    EngineNotShared("m", "x"): "INFO",
}
DETAILS: list[Event] = [
    RequestScreened("r", "in", allowed=True, finding_types=("EMAIL", "CARD"), chars=40),
    HistoryTrimmed("r", 3),
    ReplyFinished("r", "m", "stop", Usage(7, 3), Timing(0.4, 1.5)),
    RequestFailed("r", "NotFound"),
    RequestAdmitted("r", 0.1),
    QueueChanged(1, 2),
    QuotaRefused("tokens"),
    TurnKept(new_session=True),
    ArchiveUnread("x"),
    SummaryStarted("r", 7),
    SummaryEnded("r"),
    WarmEngineUsed("m", 7),
    WarmEngineLost("m", "x"),
    TurnSpooled(UUID(int=5)),
]


def logged(*events: Event, style: Style = "text", level: str = "DEBUG") -> list[str]:
    """The lines that the events become."""

    def notify() -> None:
        for event in events:
            LogObserver().notify(event)

    return written(notify, style=style, level=level)


def written(log: Callable[[], None], *, style: Style, level: str = "DEBUG") -> list[str]:
    sink = io.StringIO()
    log_to(sink, level=level, style=style)
    log()
    flush_logs()
    assert sink.getvalue() == "" or sink.getvalue().endswith("\n")
    return sink.getvalue().split("\n")[:-1]


def document(event: Event) -> dict[str, Any]:
    [line] = logged(event, style="json")
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def fail_with_a_secret() -> None:
    secret = "hunter2"
    try:
        len(secret) / 0
    except ZeroDivisionError:
        logger.exception("the handler failed")


def test_a_served_request_is_one_short_line_for_people() -> None:
    [line] = logged(served(seconds=1.2341))
    expected = "POST /v1/chat 200 1.234s key=ci tokens=12+34 queued=0.250s first_token=0.500s request_id=3f2a"
    assert re.fullmatch(f"{STAMP} INFO RequestServed {re.escape(expected)}", line)


def test_a_request_that_was_refused_says_why() -> None:
    refused = served(
        status=401, key_name=None, error="authentication_error", queued_s=None, first_token_s=None,
        prompt_tokens=None, completion_tokens=None, seconds=0.002,
    )  # fmt: skip
    [line] = logged(refused)
    assert line.endswith("POST /v1/chat 401 0.002s key=- error=authentication_error request_id=3f2a")


def test_a_served_request_is_one_flat_json_object() -> None:
    found = document(served(seconds=1.2341))
    assert re.fullmatch(STAMP, found.pop("ts"))
    assert found == {
        "level": "INFO",
        "event": "RequestServed",
        "request_id": "3f2a",
        "method": "POST",
        "route": "/v1/chat",
        "status": 200,
        "key_name": "ci",
        "error": None,
        "seconds": 1.2341,
        "queued_s": 0.25,
        "first_token_s": 0.5,
        "prompt_tokens": 12,
        "completion_tokens": 34,
        "reason": None,
    }


def test_values_inside_an_event_lie_flat_beside_its_fields() -> None:
    found = document(DETAILS[2])
    assert found["prompt_tokens"] == 7
    assert found["total_s"] == 1.5
    assert "usage" not in found
    assert document(DETAILS[0])["finding_types"] == ["EMAIL", "CARD"]
    assert document(DETAILS[-1])["session_id"] == str(UUID(int=5))


def test_no_event_holds_a_value_that_would_not_lie_flat() -> None:
    values = [value for event in (*SEEN_BY_AN_OPERATOR, *DETAILS) for value in fields_of(event).values()]
    assert {type(event) for event in (*SEEN_BY_AN_OPERATOR, *DETAILS)} == set(get_args(Event))
    assert [value for value in values if is_dataclass(value)] == []


@pytest.mark.parametrize("style", ["text", "json"])
def test_an_operator_sees_requests_and_outages_and_no_details(style: Style) -> None:
    lines = logged(*SEEN_BY_AN_OPERATOR, *DETAILS, style=style, level="INFO")
    assert len(lines) == len(SEEN_BY_AN_OPERATOR)
    for line, (event, level) in zip(lines, SEEN_BY_AN_OPERATOR.items(), strict=True):
        assert type(event).__name__ in line
        assert level in line


def test_details_are_one_line_each_at_debug() -> None:
    lines = logged(*DETAILS)
    assert [line.split(" ", 1)[1] for line in lines[:3]] == [
        "DEBUG RequestScreened request_id=r direction=in allowed=true finding_types=EMAIL,CARD chars=40",
        "DEBUG HistoryTrimmed request_id=r dropped_turns=3",
        "DEBUG ReplyFinished request_id=r model=m finish=stop prompt_tokens=7 completion_tokens=3"
        " first_token_s=0.400 total_s=1.500 queued_s=0.000",
    ]
    assert len(lines) == len(DETAILS)


@given(text=ESCAPES_AND_LINE_ENDS)
def test_no_text_in_an_event_ends_its_line_or_moves_the_terminal(text: str) -> None:
    for event in (served(method=text, route=text, key_name=text, error=text, request_id=text), StoreDown(text)):
        [line] = logged(event)
        assert len(line.splitlines()) == 1
        assert line.isprintable()


@given(text=ESCAPES_AND_LINE_ENDS)
def test_json_gives_back_whatever_text_was_in_an_event(text: str) -> None:
    [line] = logged(StoreDown(text), style="json")
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["reason"] == text


def test_a_value_cannot_pass_for_another_field() -> None:
    [line] = logged(served(key_name='ci tokens=0+0 "x"'))
    assert 'key="ci tokens=0+0 \\"x\\"" tokens=12+34' in line


def test_another_line_says_what_it_says_with_its_fields() -> None:
    def log() -> None:
        logger.bind(logger="uvicorn.error").info("Started {braces} <tags>\nnext")

    [text] = written(log, style="text")
    assert text.endswith("INFO Started {braces} <tags>\\nnext logger=uvicorn.error")
    [line] = written(log, style="json")
    found = json.loads(line)
    assert (found["event"], found["logger"]) == ("Log", "uvicorn.error")
    assert found["message"] == "Started {braces} <tags>\nnext"


def test_an_exception_is_one_json_line_without_a_value_of_a_variable() -> None:
    [line] = written(fail_with_a_secret, style="json")
    found = json.loads(line)
    assert found["message"] == "the handler failed"
    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert found["exception"].endswith("ZeroDivisionError: division by zero\n")
    assert line.count("hunter2") == 0


def test_an_exception_in_text_stands_indented_below_its_line() -> None:
    first, *below = written(fail_with_a_secret, style="text")
    assert first.endswith("ERROR the handler failed")
    assert below[0] == "    Traceback (most recent call last):"
    assert below[-1] == "    ZeroDivisionError: division by zero"
    assert all(line.startswith("    ") for line in below)
    assert "hunter2" not in "\n".join(below)


def test_the_words_of_an_exception_cannot_pass_for_a_line() -> None:
    def log() -> None:
        try:
            raise ValueError("x\n2026-11-25T10:00:00.123Z INFO RequestServed\x1b[2J")
        except ValueError:
            logger.exception("failed")

    lines = written(log, style="text")
    assert [line for line in lines[1:] if not line.startswith("    ")] == []
    assert all(line.isprintable() for line in lines)


def test_without_details_only_what_must_be_seen_reaches_the_log() -> None:
    written = io.StringIO()
    log_to(written, level="DEBUG")
    for event in (*SEEN_BY_AN_OPERATOR, *DETAILS):
        LogObserver(details=False).notify(event)
    flush_logs()
    assert len(written.getvalue().splitlines()) == len(SEEN_BY_AN_OPERATOR)
