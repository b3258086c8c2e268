"""OpenAI's own Python package against the real server: what it sends is taken, what comes back it understands."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionUserMessageParam
from pydantic import BaseModel

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import ModelInfo
from tests.http.scripted import ScriptedBackend
from tests.http.serving import KEY, Api, serving
from tests.http.test_queue import until

MODEL = "scripted"
REPLY = "The capital of France is Paris."
LONGEST_WAIT_S = 120
"""The package does not come back where Retry-After says more."""


class Capital(BaseModel):
    """What a reply is parsed into."""

    city: str


class NamedBackend(ScriptedBackend):
    """A model whose name is an id of the hub."""

    async def info(self) -> ModelInfo:
        return ModelInfo("org/model-1.5", 4096)


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
def slow() -> ScriptedBackend:
    """Writes until it is stopped."""
    return ScriptedBackend(delay_s=0.01, endless=True)


@pytest.fixture
async def api(home: Path, backend: ScriptedBackend) -> AsyncIterator[Api]:
    async with serving(backend, requests_per_minute=1000) as api:
        yield api


def client_of(api: Api, key: str = KEY, **how: Any) -> openai.AsyncOpenAI:
    """A client whose answers are those of one attempt, unless the test says how many it has."""
    return openai.AsyncOpenAI(base_url=f"{api.url}/v1", api_key=key, **({"max_retries": 0, "timeout": 20} | how))


def blocking_client_of(api: Api) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{api.url}/v1", api_key=KEY, max_retries=0, timeout=20)


def question(text: str = "What is the capital of France?") -> list[ChatCompletionMessageParam]:
    return [ChatCompletionUserMessageParam(role="user", content=text)]


async def failing(stream: openai.AsyncStream[ChatCompletionChunk]) -> tuple[str, openai.APIError]:
    """What came before the stream failed, and how it did."""
    came = ""
    try:
        async for chunk in stream:
            came += chunk.choices[0].delta.content or ""
    except openai.APIError as error:
        return came, error
    raise AssertionError("the stream ended as if it were whole")


async def test_a_reply_comes_whole(api: Api) -> None:
    async with client_of(api) as client:
        completion = await client.chat.completions.create(model=MODEL, messages=question())
    assert completion.choices[0].message.content == REPLY
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 13
    assert completion._request_id == completion.id.removeprefix("chatcmpl-")


async def test_a_reply_comes_as_a_stream(api: Api) -> None:
    async with client_of(api) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=question(), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == REPLY
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:-1]] == ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7


async def test_the_blocking_client_gets_the_same(api: Api) -> None:
    def ask() -> tuple[str | None, str]:
        with blocking_client_of(api) as client:
            whole = client.chat.completions.create(model=MODEL, messages=question())
            stream = client.chat.completions.create(model=MODEL, messages=question(), stream=True)
            return whole.choices[0].message.content, "".join(c.choices[0].delta.content or "" for c in stream)

    assert await asyncio.to_thread(ask) == (REPLY, REPLY)


async def test_the_packages_own_stream_helper_puts_a_reply_together(api: Api) -> None:
    async with client_of(api) as client, client.chat.completions.stream(model=MODEL, messages=question()) as stream:
        completion = await stream.get_final_completion()
    assert completion.choices[0].message.content == REPLY


async def test_models_are_listed_and_shown(home: Path) -> None:
    async with serving(NamedBackend()) as api, client_of(api) as client:
        assert [model.id async for model in client.models.list()] == ["org/model-1.5"]
        assert (await client.models.retrieve("org/model-1.5")).owned_by.startswith("nexxi-")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-4o")


async def test_the_raw_response_has_the_limits_and_the_id(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend, requests_per_minute=10, tokens_per_minute=9000) as api, client_of(api) as client:
        answer = await client.chat.completions.with_raw_response.create(model=MODEL, messages=question())
        assert answer.headers["x-ratelimit-limit-requests"] == "10"
        assert answer.headers["x-ratelimit-remaining-requests"] == "9"
        assert int(answer.headers["x-ratelimit-remaining-tokens"]) < 9000
        assert answer.parse().id == f"chatcmpl-{answer.headers['x-request-id']}"


async def test_a_reply_is_parsed_into_a_model_whose_schema_holds_it(home: Path) -> None:
    backend = ScriptedBackend(['{"city"', ': "Paris"}'])
    async with serving(backend) as api, client_of(api) as client:
        completion = await client.chat.completions.parse(model=MODEL, messages=question(), response_format=Capital)
    assert completion.choices[0].message.parsed == Capital(city="Paris")
    assert json.loads(backend.asked[0][1].json_schema or "")["required"] == ["city"]


async def test_json_mode_reaches_the_model(api: Api, backend: ScriptedBackend) -> None:
    async with client_of(api) as client:
        await client.chat.completions.create(
            model=MODEL, messages=question(), response_format={"type": "json_object"}, temperature=0, seed=7, stop="\n"
        )
    sampling = backend.asked[0][1]
    assert json.loads(sampling.json_schema or "") == {"type": "object"}
    assert (sampling.temperature, sampling.seed, sampling.stop) == (0, 7, ("\n",))


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the package's own, of what it has parsed
@pytest.mark.parametrize("how", ["as it is", "dumped", "parsed"])
async def test_a_reply_can_be_sent_back_in_the_next_request(home: Path, how: str) -> None:
    backend = ScriptedBackend(['{"city"', ': "Paris"}'])
    async with serving(backend) as api, client_of(api) as client:
        messages: list[Any] = question()
        if how == "parsed":
            parsed = await client.chat.completions.parse(model=MODEL, messages=messages, response_format=Capital)
            messages.append(parsed.choices[0].message)
        else:
            completion = await client.chat.completions.create(model=MODEL, messages=messages)
            message = completion.choices[0].message
            messages.append(message.model_dump() if how == "dumped" else message)
        await client.chat.completions.create(model=MODEL, messages=[*messages, *question("And of Spain?")])
    assert [message.content for message in backend.asked[-1][0]][1] == '{"city": "Paris"}'


async def test_errors_have_their_own_types(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend, requests_per_minute=5) as api:
        metrics_only = (await api.app.key_manager().create("metrics", scopes=frozenset({"metrics"}))).text
        async with client_of(api, "wrong") as client:
            with pytest.raises(openai.AuthenticationError) as refused:
                await client.models.list()
            assert refused.value.code == "invalid_api_key"
        async with client_of(api, metrics_only) as client:
            with pytest.raises(openai.PermissionDeniedError) as refused:
                await client.models.list()
            assert refused.value.type == "permission_error"
        async with client_of(api) as client:
            with pytest.raises(openai.NotFoundError) as refused:
                await client.chat.completions.create(model="gpt-4o", messages=question())
            assert (refused.value.param, refused.value.code) == ("model", "model_not_found")
            with pytest.raises(openai.BadRequestError) as refused:
                await client.chat.completions.create(model=MODEL, messages=question(), presence_penalty=1)
            assert refused.value.param == "presence_penalty"
            with pytest.raises(openai.BadRequestError) as refused:
                await client.chat.completions.create(model=MODEL, messages=question("word " * 5000))
            assert refused.value.code == "context_length_exceeded"
            for _ in range(2):
                await client.models.list()
            with pytest.raises(openai.RateLimitError) as refused:
                await client.models.list()
            assert refused.value.code == "rate_limit_exceeded"
            assert 1 <= int(refused.value.response.headers["retry-after"]) < LONGEST_WAIT_S
            assert refused.value.request_id == refused.value.response.headers["x-request-id"]


async def test_a_server_that_is_not_ready_is_an_internal_server_error_with_a_time(home: Path) -> None:
    async with serving(ScriptedBackend(is_ready=False)) as api, client_of(api) as client:
        with pytest.raises(openai.InternalServerError) as refused:
            await client.chat.completions.create(model=MODEL, messages=question())
        assert refused.value.status_code == 503
        assert refused.value.type == "overloaded_error"
        assert refused.value.response.headers["retry-after"] == "5"


async def test_a_failure_in_mid_stream_is_raised_and_not_taken_for_an_end(home: Path) -> None:
    backend = ScriptedBackend(error=ModelUnavailable("the model failed"), error_after=3)
    async with serving(backend) as api, client_of(api) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=question(), stream=True)
        came, failure = await failing(stream)
    assert came.startswith("The capital")
    assert (failure.message, failure.type) == ("the model failed", "api_error")


async def test_it_comes_back_when_it_was_told_to(home: Path, slow: ScriptedBackend) -> None:
    async with (
        serving(slow, max_queue=0) as api,
        client_of(api, max_retries=1) as client,
        client_of(api) as holder,
    ):
        holding = await holder.chat.completions.create(model=MODEL, messages=question(), stream=True)
        asked = time.monotonic()
        waiting = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=question(), max_tokens=3))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await holding.close()
        assert (await waiting).choices[0].finish_reason == "length"
        assert time.monotonic() - asked >= 1


async def test_it_waits_for_a_model_that_loads(home: Path) -> None:
    backend = ScriptedBackend(is_ready=False)
    async with serving(backend) as api, client_of(api, max_retries=2) as client:
        waiting = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=question()))
        await asyncio.sleep(0.3)
        backend.loaded.set()
        assert (await waiting).choices[0].message.content == REPLY


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_gives_up_frees_its_place(home: Path, slow: ScriptedBackend, stream: bool) -> None:  # noqa: FBT001
    async with serving(slow) as api, client_of(api) as client:
        if stream:
            replies = await client.chat.completions.create(model=MODEL, messages=question(), stream=True)
            await anext(aiter(replies))
            await replies.close()
        else:
            with pytest.raises(openai.APITimeoutError):
                await client.chat.completions.create(model=MODEL, messages=question(), timeout=0.3)
        await until(lambda: slow.running == 0, seconds=1)
        completion = await client.chat.completions.create(model=MODEL, messages=question(), max_tokens=1)
        assert completion.usage is not None
