"""A model behind a server answers as one in this process does."""

import asyncio
import json
from contextlib import aclosing

import pytest

from nexxi_cli.core.errors import ModelServerUnavailable, NotAuthorised, NotFound, UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, Delta, Message, ModelInfo, Sampling, Usage
from tests.infrastructure.model_server.asking import QUESTION, Api, backend_of, deltas_of, said
from tests.infrastructure.model_server.upstream import REPLY, data, event, saying, upstream


async def test_the_reply_comes_token_by_token_and_ends_with_its_finish_and_usage(api: Api) -> None:
    async with api.upstream() as server, backend_of(server) as backend:
        deltas = await deltas_of(backend)
    assert [delta.text for delta in deltas] == [*REPLY, ""]
    assert deltas[-1] == Delta("", "stop", Usage(8, 7))


async def test_a_token_is_handed_on_before_the_next_one_comes(api: Api) -> None:
    async with (
        api.upstream(delay_s=0.2) as server,
        backend_of(server) as backend,
        aclosing(backend.generate(QUESTION, Sampling())) as deltas,
    ):
        assert (await anext(deltas)).text == "The"
        assert server.running == 1


async def test_what_the_request_says_of_its_sampling_is_passed_on_and_nothing_else() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.5, max_new_tokens=5, seed=7, stop=("\n", "."))
    async with upstream() as server, backend_of(server, key="a-key") as backend:
        deltas = await deltas_of(backend, sampling)
        await deltas_of(backend)
    first, second = server.completions
    assert first.body == {
        "model": "scripted",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 5,
        "seed": 7,
        "stop": ["\n", "."],
    }
    assert first.headers["authorization"] == "Bearer a-key"
    assert deltas[-1].finish == "length"
    assert set(second.body) == {"model", "messages", "stream", "stream_options", "max_tokens"}


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        (ANY_JSON_OBJECT, {"type": "json_object"}),
        ('{"type":"object"}', {"type": "json_object"}),
        ("{}", {"type": "json_schema", "json_schema": {"name": "reply", "schema": {}, "strict": True}}),
    ],
)
async def test_json_is_asked_for_in_the_servers_own_words(schema: str, wanted: object) -> None:
    async with upstream() as server, backend_of(server) as backend:
        await deltas_of(backend, Sampling(json_schema=schema))
    assert server.completions[0].body["response_format"] == wanted


async def test_a_schema_that_is_no_json_is_refused_before_the_server_is_asked(api: Api) -> None:
    async with api.upstream() as server, backend_of(server) as backend:
        with pytest.raises(UsageError, match="no JSON"):
            await deltas_of(backend, Sampling(json_schema="{"))
    assert server.completions == []


async def test_closing_the_iterator_closes_the_servers_stream(api: Api) -> None:
    async with api.upstream(endless=True, delay_s=0.01) as server, backend_of(server) as backend:
        async with aclosing(backend.generate(QUESTION, Sampling())) as deltas:
            await anext(deltas)
        await server.idle()


async def test_cancelling_who_waits_for_the_first_token_closes_the_servers_stream(api: Api) -> None:
    async with api.upstream(delay_s=30) as server, backend_of(server) as backend:
        waiting = asyncio.create_task(deltas_of(backend))
        await asyncio.sleep(0.3)
        assert server.running == 1
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        await server.idle()


async def test_the_next_reply_takes_the_connection_of_the_one_before(api: Api) -> None:
    async with api.upstream() as server, backend_of(server) as backend:
        for _ in range(5):
            await deltas_of(backend)
        assert len(server._connections) <= 2


async def test_name_and_context_length_are_the_servers(api: Api) -> None:
    async with api.upstream(models={"big": 32_768}) as server, backend_of(server) as backend:
        assert await backend.info() == ModelInfo("big", 32_768)


async def test_a_server_that_does_not_tell_its_context_gets_the_one_of_the_settings(api: Api) -> None:
    async with api.upstream(models={"m": None}) as server, backend_of(server, context_tokens=2000) as backend:
        assert (await backend.info()).context_length == 2000


async def test_a_model_that_we_know_keeps_the_system_prompt_it_does_best_with(api: Api) -> None:
    async with api.upstream(models={"smollm2-135m": 2048}) as server, backend_of(server) as backend:
        assert (await backend.info()).system


async def test_a_wrong_name_is_told_what_there_is() -> None:
    async with upstream(models={"a": 1024, "b": 1024}) as server, backend_of(server, model="c") as backend:
        with pytest.raises(NotFound, match=r"has no model 'c': it has a, b$"):
            await backend.ready()


async def test_without_a_name_one_of_several_has_to_be_chosen() -> None:
    async with upstream(models={"a": 1024, "b": 1024}) as server, backend_of(server) as backend:
        with pytest.raises(UsageError, match=r"choose one with -m: a, b$"):
            await backend.info()


async def test_a_wrong_key_is_said_to_be_one(api: Api) -> None:
    async with api.upstream(key="right") as server, backend_of(server, key="wrong") as backend:
        with pytest.raises(NotAuthorised, match="NEXXI_MODEL_SERVER_KEY"):
            await backend.ready()


async def test_a_server_that_is_not_there_is_an_error_for_who_asks_and_waited_for_by_who_can_wait(api: Api) -> None:
    async with api.upstream() as server, backend_of(server) as backend:
        await server.kill()
        with pytest.raises(ModelServerUnavailable, match=f":{server.port}.* cannot be reached"):
            await backend.info()
        waiting = asyncio.create_task(backend.ready())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await server.start()
        async with asyncio.timeout(5):
            await waiting
        assert await said(backend) == "".join(REPLY)


async def test_tokens_are_counted_by_the_server_once_for_each_prompt() -> None:
    async with upstream() as server, backend_of(server) as backend:
        assert await backend.count_tokens(QUESTION) == 8
        await deltas_of(backend)
    assert [asked.path for asked in server.asked].count("/tokenize") == 1


async def test_a_server_that_counts_no_tokens_is_asked_once_and_then_they_are_estimated() -> None:
    async with upstream(tokenizes=False) as server, backend_of(server) as backend:
        question = Message("user", "x" * 300)
        assert await backend.count_tokens([question]) == 100 + 2 * 4
        await backend.count_tokens([Message("user", "Why?")])
    assert [asked.path for asked in server.asked].count("/tokenize") == 1


async def test_the_reply_is_not_asked_to_be_longer_than_the_context_has_room_for() -> None:
    async with upstream(models={"small": 20}) as server, backend_of(server) as backend:
        await deltas_of(backend, Sampling(max_new_tokens=1000))
    assert server.completions[0].body["max_tokens"] == 12


async def test_usage_that_a_server_does_not_tell_is_counted_here() -> None:
    script = saying(event("Par"), event("is."), event("", finish="stop"), b"data: [DONE]\n\n")
    async with upstream(script=script) as server, backend_of(server) as backend:
        assert (await deltas_of(backend))[-1] == Delta("", "stop", Usage(8, 2))


async def test_what_events_hold_besides_text_is_left_out() -> None:
    thinking = data({"choices": [{"delta": {"role": "assistant", "content": None, "reasoning_content": "Hm."}}]})
    pieces = (b": ping\n\n", thinking, b"event: x\r\nid: 1\r\n", event("Paris", finish="stop").replace(b"\n", b"\r\n"))
    async with upstream(script=saying(*pieces)) as server, backend_of(server) as backend:
        assert await said(backend) == "Paris"


async def test_an_event_that_comes_in_single_bytes_is_one() -> None:
    whole = event("Zürich\u2028\ud83d", finish="stop") + b"data: [DONE]\n\n"
    pieces = json.loads(json.dumps([whole.decode()]))[0].encode()
    script = saying(*(bytes([byte]) for byte in pieces))
    async with upstream(script=script) as server, backend_of(server) as backend:
        assert await said(backend) == "Zürich\u2028\ufffd"
