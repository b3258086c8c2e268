"""The API in front of a model server that is scripted, dies, comes back, and refuses."""

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from nexxi_cli.core.errors import NotFound
from nexxi_cli.core.events import RequestServed
from tests.http.serving import Api, serving
from tests.http.test_chat_route import events_of
from tests.infrastructure.model_server.asking import backend_of
from tests.infrastructure.model_server.tgi_upstream import tgi_upstream
from tests.infrastructure.model_server.upstream import REPLY, Upstream, breaking_off, event, refusing, upstream

HELLO = {"message": "What is the capital of France?"}
COMPLETION = {"model": "scripted", "messages": [{"role": "user", "content": "Why?"}]}
STREAM = {"stream": True}


async def test_a_reply_of_the_server_is_the_apis_with_its_usage(home: Path) -> None:
    async with upstream() as server, backend_of(server) as backend, serving(backend) as api:
        whole = (await api.client.post("/v1/chat/completions", json=COMPLETION | {"seed": 5, "stop": "X"})).json()
        streamed = (await api.client.post("/v1/chat", json=HELLO | STREAM)).text
    assert whole["choices"][0]["message"]["content"] == "".join(REPLY)
    assert whole["usage"] == {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8}
    assert "".join(found.get("content", "") for found in events_of(streamed)[:-1]) == "".join(REPLY)
    assert (server.completions[0].body["seed"], server.completions[0].body["stop"]) == (5, ["X"])


async def test_json_mode_reaches_the_server(home: Path) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "integer"}}}
    async with upstream() as server, backend_of(server) as backend, serving(backend) as api:
        for format_ in (wanted, {"type": "json_object"}):
            await api.client.post("/v1/chat/completions", json=COMPLETION | {"response_format": format_})
    asked = [found.body["response_format"] for found in server.completions]
    assert asked[0]["json_schema"]["schema"] == {"type": "integer"}
    assert asked[1] == {"type": "json_object"}


@pytest.mark.parametrize("kind", [upstream, tgi_upstream])
async def test_a_client_that_goes_away_closes_the_servers_stream(
    home: Path, kind: Callable[..., AbstractAsyncContextManager[Upstream]]
) -> None:
    async with kind(endless=True, delay_s=0.01) as server, backend_of(server) as backend, serving(backend) as api:
        async with api.client.stream("POST", "/v1/chat", json=HELLO | STREAM) as answer:
            async for line in answer.aiter_lines():
                if '"delta"' in line:
                    break
        await server.idle()


async def test_a_server_that_is_killed_in_mid_stream_is_an_error_event_and_the_part_is_kept(home: Path) -> None:
    async with upstream(delay_s=0.1) as server, backend_of(server) as backend, serving(backend) as api:
        streaming = asyncio.create_task(api.client.post("/v1/chat", json=HELLO | STREAM | {"session_id": "cut"}))
        await asyncio.sleep(0.35)
        await server.kill()
        text = (await streaming).text
        assert "event: error\n" in text
        assert "[DONE]" not in text
        assert str(server.port) not in text
        kept = (await api.app.conversations.find("local", "cut")).messages[-1]
        assert "".join(REPLY).startswith(kept.content)
        assert kept.content
        assert kept.finish == "error"
        (served,) = api.events.of(RequestServed)
        assert server.url in served.reason
        await server.start()
        assert (await api.client.post("/v1/chat", json=HELLO | {"session_id": "cut"})).status_code == 200


async def test_a_server_that_is_down_is_a_503_that_does_not_tell_where_it_is(home: Path) -> None:
    async with upstream() as server, backend_of(server) as backend, serving(backend) as api:
        await api.client.post("/v1/chat", json=HELLO)
        await server.kill()
        answer = await api.client.post("/v1/chat", json=HELLO)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        stream = await api.client.post("/v1/chat", json=HELLO | STREAM)
        assert stream.status_code == 503
        assert str(server.port) not in answer.text + stream.text
        assert (await api.client.get("/health")).status_code == 200


async def test_what_a_busy_server_says_of_when_to_come_back_is_passed_on(home: Path) -> None:
    script = refusing(429, {"error": {"message": "busy"}}, retry_after="17")
    async with upstream(script=script) as server, backend_of(server) as backend, serving(backend) as api:
        answer = await api.client.post("/v1/chat", json=HELLO)
        stream = await api.client.post("/v1/chat", json=HELLO | STREAM)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "17")
    assert answer.json()["error"]["type"] == "overloaded_error"
    assert (stream.status_code, stream.headers["retry-after"]) == (503, "17")


async def test_a_prompt_that_the_server_finds_too_long_is_the_clients_error(home: Path) -> None:
    script = refusing(400, {"error": {"message": "This model's maximum context length is 20 tokens", "code": 400}})
    async with upstream(script=script) as server, backend_of(server) as backend, serving(backend) as api:
        error = (await api.client.post("/v1/chat/completions", json=COMPLETION)).json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "context_length_exceeded")


async def test_two_servers_one_killed_and_every_request_is_answered(home: Path) -> None:
    async with (
        upstream(delay_s=0.01) as one,
        upstream(delay_s=0.01) as other,
        backend_of(one, other) as backend,
        serving(backend, max_concurrent=20, requests_per_minute=1000) as api,
    ):

        async def ask() -> int:
            return (await api.client.post("/v1/chat", json=HELLO | {"save": False})).status_code

        before = [asyncio.create_task(ask()) for _ in range(10)]
        await asyncio.gather(*before)
        await one.kill()
        assert {await ask() for _ in range(20)} == {200}
        assert set(await asyncio.gather(*(ask() for _ in range(20)))) == {200}


async def test_while_no_server_answers_the_api_is_loading_and_then_it_is_ready(home: Path) -> None:
    async with upstream() as server, backend_of(server) as backend:
        await server.kill()
        async with serving(backend) as api:
            answer = await api.client.get("/ready")
            assert (answer.status_code, answer.json()["status"]) == (503, "loading")
            assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 503
            await server.start()
            async with asyncio.timeout(5):
                while (await api.client.get("/ready")).status_code != 200:  # noqa: ASYNC110 - it looks from outside
                    await asyncio.sleep(0.05)
            assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 200


async def ready(api: Api, status: int) -> dict[str, str]:
    """Wait until /ready answers so; its checks."""
    async with asyncio.timeout(10):
        while (answer := await api.client.get("/ready")).status_code != status:  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.02)
    assert status == 200 or answer.headers["retry-after"]
    checks = answer.json()["checks"]
    assert isinstance(checks, dict)
    return checks


async def test_the_api_is_not_ready_while_no_server_answers_and_is_again_when_one_is_back(home: Path) -> None:
    async with (
        upstream() as one,
        upstream() as other,
        backend_of(one, other, look_every_s=0.05) as backend,
        serving(backend) as api,
    ):
        await ready(api, 200)
        await one.kill()
        await asyncio.sleep(0.3)
        assert (await ready(api, 200))["model"] == "ok"
        await other.kill()
        assert (await ready(api, 503))["model"] == "down"
        assert (await api.client.get("/health")).status_code == 200
        assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 503
        await other.start()
        assert (await ready(api, 200))["model"] == "ok"
        assert (await api.client.post("/v1/chat", json=HELLO)).status_code == 200


async def test_asking_whether_the_api_is_ready_asks_no_server(home: Path) -> None:
    async with upstream() as server, backend_of(server) as backend, serving(backend) as api:
        await ready(api, 200)
        before = len(server.asked)
        assert {(await api.client.get("/ready")).status_code for _ in range(20)} == {200}
        assert len(server.asked) == before


async def test_a_model_that_no_server_has_ends_the_api_with_a_list_of_what_there_is(home: Path) -> None:
    async with upstream(models={"a": 100, "b": 100}) as server, backend_of(server, model="c") as backend:
        with pytest.raises(NotFound, match="it has a, b"):
            async with serving(backend) as api:
                await api.task


async def test_a_stream_that_breaks_off_after_its_first_word_says_so(home: Path) -> None:
    async with (
        upstream(script=breaking_off(event("Paris, of course"), event(" it"))) as server,
        backend_of(server) as backend,
        serving(backend) as api,
    ):
        text = (await api.client.post("/v1/chat/completions", json=COMPLETION | STREAM)).text
    assert text.count("event: error\n") == 1
    last = json.loads(text.strip().rpartition("data: ")[2])
    assert last["error"]["type"] == "api_error"


async def test_the_drain_lets_the_servers_stream_end(home: Path) -> None:
    async with upstream(delay_s=0.05) as server, backend_of(server) as backend, serving(backend) as api:
        streaming = asyncio.create_task(api.client.post("/v1/chat", json=HELLO | STREAM))
        await asyncio.sleep(0.15)
        signal.raise_signal(signal.SIGTERM)
        assert (await streaming).text.endswith("data: [DONE]\n\n")
        assert await api.task == 0
