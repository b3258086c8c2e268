"""`POST /v1/chat`: sessions that the server keeps, as JSON and as events."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexxi_cli.core.errors import ModelUnavailable
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving

HELLO = {"message": "What is the capital of France?"}


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def api(home: Path, backend: ScriptedBackend) -> AsyncIterator[Api]:
    async with serving(backend) as api:
        yield api


async def said(api: Api, **body: Any) -> httpx.Response:
    return await api.client.post("/v1/chat", json=HELLO | body)


def events_of(text: str) -> list[Any]:
    """The data of each event; pings are none."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def test_a_message_is_answered_in_a_new_session(api: Api) -> None:
    answer = (await said(api)).json()
    assert answer["message"] == {"role": "assistant", "content": "The capital of France is Paris."}
    assert answer["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 6, "completion_tokens": 7, "total_tokens": 13}
    session = (await api.client.get(f"/v1/sessions/{answer['session_id']}")).json()
    assert [message["content"] for message in session["messages"]] == [
        "What is the capital of France?",
        "The capital of France is Paris.",
    ]


async def test_a_session_goes_on_by_its_id_or_name(api: Api, backend: ScriptedBackend) -> None:
    first = (await said(api, session_id="capitals")).json()
    await said(api, session_id="capitals")
    third = (await said(api, session_id=first["session_id"])).json()
    assert third["session_id"] == first["session_id"]
    assert [len(messages) for messages, _ in backend.asked] == [1, 3, 5]


async def test_an_id_that_nobody_has_is_not_found(api: Api) -> None:
    answer = await said(api, session_id="0f6a3d0e-5d6b-4f0e-9d55-1d9d2f6c7a11")
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "not_found_error"


async def test_a_stream_starts_goes_on_and_ends(api: Api) -> None:
    answer = await said(api, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    start, *deltas, end, done = events_of(answer.text)
    assert (start["type"], start["role"], end["type"], done) == ("start", "assistant", "end", "[DONE]")
    assert "".join(delta["content"] for delta in deltas) == "The capital of France is Paris."
    assert end["usage"]["completion_tokens"] == 7
    assert end["session_id"] == start["session_id"]


async def test_personal_data_reaches_neither_model_nor_session(api: Api, backend: ScriptedBackend) -> None:
    answer = (await said(api, message="I am ada@example.com.", session_id="mail")).json()
    assert answer["safety"] == {"input": ["EMAIL"], "output": []}
    assert backend.asked[0][0][-1].content == "I am <EMAIL>."
    assert "ada@" not in (await api.client.get("/v1/sessions/mail")).text


async def test_personal_data_in_a_reply_is_replaced_as_it_streams(api: Api, backend: ScriptedBackend) -> None:
    backend.reply = ("Write to ada@exa", "mple.com", ", please.")
    assert "ada@" not in (await said(api, stream=True)).text
    assert (await said(api)).json()["safety"]["output"] == ["EMAIL"]


async def test_nothing_is_kept_when_the_client_says_so(api: Api) -> None:
    assert (await said(api, save=False)).json()["session_id"] is None
    assert (await api.client.get("/v1/sessions")).json()["data"] == []


async def test_a_turn_can_take_the_place_of_the_last_one(api: Api) -> None:
    await said(api, session_id="once")
    await said(api, session_id="once", message="And of Spain?", replaces_last=True)
    session = (await api.client.get("/v1/sessions/once")).json()
    assert [message["content"] for message in session["messages"]][0::2] == ["And of Spain?"]


async def test_a_failure_before_the_first_token_has_its_status_in_streams_too(
    api: Api, backend: ScriptedBackend
) -> None:
    answer = await said(api, stream=True, message="   ")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "the prompt is empty"


async def test_a_failure_in_mid_stream_is_an_error_event_and_the_part_is_kept(
    api: Api, backend: ScriptedBackend
) -> None:
    backend.error, backend.error_after = ModelUnavailable("the model failed"), 3
    answer = await said(api, stream=True, session_id="broken")
    assert answer.status_code == 200
    assert "event: error\n" in answer.text
    assert "[DONE]" not in answer.text
    assert events_of(answer.text)[-1]["error"]["message"] == "the model failed"
    session = (await api.client.get("/v1/sessions/broken")).json()
    assert session["messages"][-1] == {
        "role": "assistant",
        "content": "The capital of",
        "finish_reason": "error",
    }


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"temprature": 1}, 400, "temprature"),
        ({"temperature": 3}, 422, "temperature"),
        ({"message": 7}, 422, "message"),
        ({"max_tokens": 0}, 422, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, 422, "stop"),
        ({"stop": ""}, 422, "stop"),
        ({"session_id": "../../etc/passwd"}, 400, None),
        ({"session_id": "x" * 65}, 422, "session_id"),
        ({"response_format": {"type": "xml"}}, 422, "response_format"),
    ],
    ids=str,
)
async def test_a_bad_parameter_is_named(api: Api, body: dict[str, Any], status: int, param: str | None) -> None:
    answer = await said(api, **body)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param or (error["param"] or "").startswith(f"{param}")


async def test_what_is_no_json_is_said_to_be_none(api: Api) -> None:
    answer = await api.client.post("/v1/chat", content=b'{"message": ', headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "not valid JSON" in answer.json()["error"]["message"]
