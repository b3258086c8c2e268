"""`/v1/chat/completions` and `/v1/models`: the shapes of OpenAI's API."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexxi_cli.core.access import LOCAL_OWNER
from nexxi_cli.core.types import Message, Sampling
from nexxi_cli.http.schemas.openai import WITHOUT_EFFECT
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.test_chat_route import events_of

ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "What is the capital of France?"}]}


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def api(home: Path, backend: ScriptedBackend) -> AsyncIterator[Api]:
    async with serving(backend, temperature=0.5, max_tokens=64, requests_per_minute=1000) as api:
        yield api


async def completed(api: Api, **body: Any) -> httpx.Response:
    return await api.client.post("/v1/chat/completions", json=ASKED | body)


async def test_a_conversation_is_completed(api: Api) -> None:
    answer = await completed(api)
    document = answer.json()
    assert document["object"] == "chat.completion"
    assert document["id"] == f"chatcmpl-{answer.headers['x-request-id']}"
    assert document["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "The capital of France is Paris.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert document["usage"] == {"prompt_tokens": 6, "completion_tokens": 7, "total_tokens": 13}


async def test_a_stream_has_the_role_first_and_its_finish_last(api: Api) -> None:
    *chunks, done = events_of((await completed(api, stream=True)).text)
    assert done == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == "The capital of France is Paris."
    assert deltas[-1] == {}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert "usage" not in chunks[0]


async def test_a_stream_tells_its_usage_when_it_is_asked_to(api: Api) -> None:
    *_, finish, usage, done = events_of(
        (await completed(api, stream=True, stream_options={"include_usage": True})).text
    )
    assert done == "[DONE]"
    assert finish["usage"] is None
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 13


async def test_what_is_said_about_sampling_reaches_the_model(api: Api, backend: ScriptedBackend) -> None:
    await completed(api)
    await completed(api, temperature=0, top_p=0.9, seed=7, stop=["\n", "END"], max_completion_tokens=5)
    await completed(api, max_tokens=3, stop="END")
    expected = [Sampling(0.5, None, 64), Sampling(0, 0.9, 5, 7, ("\n", "END")), Sampling(0.5, None, 3, None, ("END",))]
    assert [sampling for _, sampling in backend.asked] == [
        replace(sampling, prompt_cache_key=LOCAL_OWNER) for sampling in expected
    ]


async def test_a_reply_that_is_cut_by_its_limit_says_so(api: Api) -> None:
    document = (await completed(api, max_tokens=3)).json()
    assert document["choices"][0]["finish_reason"] == "length"
    assert document["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}}, {"type": "array"}),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_the_reply_can_be_held_to_json(
    api: Api, backend: ScriptedBackend, wanted: dict[str, Any], schema: dict[str, Any] | None
) -> None:
    assert (await completed(api, response_format=wanted)).status_code == 200
    text = backend.asked[0][1].json_schema
    assert (text and json.loads(text)) == schema


async def test_messages_come_in_every_role_and_in_parts(api: Api, backend: ScriptedBackend) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What "}, {"type": "text", "text": "now?"}]},
        {"role": "assistant", "content": "Wait."},
        {"role": "user", "content": "And now?"},
    ]
    assert (await completed(api, messages=messages)).status_code == 200
    assert backend.asked[0][0] == (
        Message("system", "Be brief."),
        Message("user", "What now?"),
        Message("assistant", "Wait."),
        Message("user", "And now?"),
    )


async def test_nothing_of_it_is_stored(api: Api) -> None:
    await completed(api)
    assert (await api.client.get("/v1/sessions")).json()["data"] == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"n": 2}, "n"),
        ({"best_of": 1}, "best_of"),
        ({"temperature": 2.5}, "temperature"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": "I end."}]}, None),
        ({"response_format": {"type": "grammar"}}, "response_format"),
    ],
    ids=str,
)
async def test_what_is_not_supported_is_refused_by_name(api: Api, body: dict[str, Any], param: str | None) -> None:
    answer = await completed(api, **body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert (error["param"] or "").startswith(param or "")
    assert param is None or param.split("[")[0].split(".")[-1] in error["message"]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, all_ in WITHOUT_EFFECT.items() for value in all_])
async def test_what_changes_nothing_is_let_through(api: Api, name: str, value: object) -> None:
    assert (await completed(api, **{name: value})).status_code == 200


async def test_a_model_that_is_not_served_is_not_found(api: Api) -> None:
    answer = await completed(api, model="gpt-4o")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "the model 'gpt-4o' is not served here: this server has 'scripted'",
        "type": "not_found_error",
        "param": "model",
        "code": "model_not_found",
    }


async def test_a_prompt_that_is_too_long_is_refused_in_openais_words(api: Api) -> None:
    answer = await completed(api, messages=[{"role": "user", "content": "word " * 5000}])
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"


async def test_the_model_is_listed_and_shown(api: Api) -> None:
    listed = (await api.client.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == ["scripted"]
    assert (await api.client.get("/v1/models/scripted")).json() == listed["data"][0]
    assert (await api.client.get("/v1/models/no/such")).status_code == 404
