"""What Text Generation Inference's own API has that OpenAI's has not: a text for a prompt, its events, its errors."""

from typing import Any

import pytest

from nexxi_cli.core.errors import ContextLengthExceeded, ModelServerUnavailable, NexxiError, Overloaded, UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, Delta, FinishReason, Sampling, Usage
from tests.infrastructure.model_server.asking import backend_of, deltas_of, said
from tests.infrastructure.model_server.tgi_upstream import tgi_event, tgi_upstream
from tests.infrastructure.model_server.upstream import data, refusing, saying

PROMPT = "[system]Be brief.[user]What is the capital of France?"


async def parameters_of(sampling: Sampling) -> dict[str, Any]:
    """What the server is asked for it."""
    async with tgi_upstream() as server, backend_of(server, key="a-key") as backend:
        await deltas_of(backend, sampling)
    (asked,) = server.completions
    assert asked.headers["authorization"] == "Bearer a-key"
    parameters = asked.body["parameters"]
    assert isinstance(parameters, dict)
    return parameters


async def test_what_the_request_says_of_its_sampling_is_passed_on_and_nothing_else() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.5, max_new_tokens=5, seed=7, stop=("\n", "#"))
    always = {"details": True, "return_full_text": False, "do_sample": True}
    assert await parameters_of(sampling) == always | {
        "temperature": 0.5,
        "top_p": 0.5,
        "max_new_tokens": 5,
        "seed": 7,
        "stop": ["\n", "#"],
    }
    assert await parameters_of(Sampling(max_new_tokens=5)) == always | {"max_new_tokens": 5}


async def test_values_that_it_refuses_are_left_out_where_they_mean_what_it_does_without_them() -> None:
    assert (await parameters_of(Sampling(temperature=0, top_p=0.5))).keys().isdisjoint({"temperature", "top_p"})
    assert not (await parameters_of(Sampling(temperature=0)))["do_sample"]
    assert "top_p" not in await parameters_of(Sampling(top_p=1.0))


@pytest.mark.parametrize(("schema", "value"), [(ANY_JSON_OBJECT, {"type": "object"}), ('{"type":"integer"}', None)])
async def test_a_schema_is_its_grammar(schema: str, value: object) -> None:
    grammar = (await parameters_of(Sampling(json_schema=schema)))["grammar"]
    assert grammar == {"type": "json", "value": value or {"type": "integer"}}


@pytest.mark.parametrize(("doubles", "inputs"), [(True, PROMPT), (False, f"<s>{PROMPT}")])
async def test_the_prompt_is_in_the_servers_own_template_with_one_opening_token(*, doubles: bool, inputs: str) -> None:
    async with tgi_upstream(doubles=doubles) as server, backend_of(server) as backend:
        await said(backend)
        await said(backend)
    assert [asked.body["inputs"] for asked in server.completions] == [inputs] * 2
    assert [asked.path for asked in server.asked].count("/tokenize") == 1


async def test_a_server_that_has_no_template_is_told_with_the_way_out() -> None:
    async with tgi_upstream(tokenizes=False) as server, backend_of(server) as backend:
        with pytest.raises(ModelServerUnavailable, match=rf"OpenAI's API: http://127.0.0.1:{server.port}/v1"):
            await said(backend)


async def test_the_context_is_no_longer_than_what_the_server_takes_as_a_prompt() -> None:
    async with tgi_upstream(models={"m": 2048}, max_input=1024) as server, backend_of(server) as backend:
        assert (await backend.info()).context_length == 1025


@pytest.mark.parametrize(
    ("reason", "finish"), [("eos_token", "stop"), ("stop_sequence", "stop"), ("length", "length"), ("new", "stop")]
)
async def test_the_last_token_comes_with_the_finish_and_the_usage(reason: str, finish: FinishReason) -> None:
    script = saying(tgi_event("Par"), tgi_event("is", finish=reason, tokens=5, input_length=9))
    async with tgi_upstream(script=script) as server, backend_of(server) as backend:
        assert await deltas_of(backend) == [Delta("Par"), Delta("is"), Delta("", finish, Usage(9, 5))]


async def test_usage_that_a_server_does_not_tell_is_counted_here() -> None:
    last = data({"token": {"text": "is"}, "generated_text": "Paris"})
    async with tgi_upstream(script=saying(tgi_event("Par"), last)) as server, backend_of(server) as backend:
        assert (await deltas_of(backend))[-1] == Delta("", "stop", Usage(8, 2))


@pytest.mark.parametrize("pieces", [["Par", "is", ".#"], ["Paris.", "#", "# "], ["Paris.", "#", "?"]])
async def test_a_stop_string_which_it_leaves_in_the_reply_is_cut_off(pieces: list[str]) -> None:
    *first, last = pieces
    script = saying(*map(tgi_event, first), tgi_event(last, finish="stop_sequence"), tgi_event("more"))
    async with tgi_upstream(script=script) as server, backend_of(server) as backend:
        deltas = await deltas_of(backend, Sampling(stop=("##", ".#", "#?")))
    assert "".join(delta.text for delta in deltas) == "Paris"
    assert deltas[-1].finish == "stop"


async def test_a_server_that_goes_on_after_a_stop_string_is_left() -> None:
    script = saying(tgi_event("Paris."), tgi_event(" It is"), tgi_event(" old."))
    async with tgi_upstream(script=script) as server, backend_of(server) as backend:
        deltas = await deltas_of(backend, Sampling(stop=(" It",)))
    assert deltas == [Delta("Paris."), Delta("", "stop", Usage(8, 2))]


@pytest.mark.parametrize("is_status", [False, True], ids=["event", "status"])
@pytest.mark.parametrize(
    ("status", "type_", "message", "kind"),
    [
        (422, "validation", "Input validation error: `stop` supports up to 4 stop sequences", UsageError),
        (422, "validation", "Input validation error: `inputs` must have less than 20 tokens", ContextLengthExceeded),
        (424, "generation", "Request failed during generation: CUDA error", ModelServerUnavailable),
        (429, "overloaded", "Model is overloaded", Overloaded),
        (500, "incomplete_generation", "Incomplete generation", ModelServerUnavailable),
    ],
)
async def test_its_errors_mean_the_same_as_statuses_and_in_streams(
    status: int, type_: str, message: str, kind: type[NexxiError], *, is_status: bool
) -> None:
    document = {"error": message, "error_type": type_}
    script = refusing(status, document) if is_status else saying(data(document))
    async with tgi_upstream(script=script) as server, backend_of(server) as backend:
        with pytest.raises(kind) as raised:
            await said(backend)
    assert type(raised.value) is kind
    assert kind is Overloaded or message in str(raised.value)


async def test_a_server_that_is_not_healthy_is_overloaded() -> None:
    script = refusing(503, {"error": "unhealthy", "error_type": "healthcheck"}, retry_after="3")
    async with tgi_upstream(script=script) as server, backend_of(server) as backend:
        with pytest.raises(Overloaded, match="try again in 3 s"):
            await said(backend)


async def test_an_error_after_the_first_token_ends_the_reply() -> None:
    script = saying(tgi_event("Par"), data({"error": "CUDA error", "error_type": "generation"}))
    async with tgi_upstream(script=script) as server, backend_of(server) as backend:
        with pytest.raises(ModelServerUnavailable, match="status 424: CUDA error"):
            await said(backend)
    assert len(server.completions) == 1


@pytest.mark.parametrize(
    "event", [{}, {"token": "x"}, {"token": {"id": 5}}, {"choices": [{"delta": {"content": "x"}}]}]
)
async def test_an_event_that_is_none_of_its_own_is_no_part_of_a_reply(event: object) -> None:
    async with tgi_upstream(script=saying(data(event))) as server, backend_of(server) as backend:
        with pytest.raises(ModelServerUnavailable, match="no part of a reply"):
            await said(backend)


async def test_the_models_of_servers_can_be_looked_at() -> None:
    async with tgi_upstream() as server, backend_of(server) as backend:
        assert await backend.models_at([server.url], key=None) == {
            f"http://127.0.0.1:{server.port}": {"scripted": 4096}
        }
