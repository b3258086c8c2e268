"""The in-process backend: deltas on the event loop, generation in its own thread, closing at any moment."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from nexxi_cli.core.errors import ModelUnavailable, NotFound, UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, Delta, Message, ModelInfo, Sampling, Usage
from nexxi_cli.infrastructure.models.loader import ModelLoader
from nexxi_cli.infrastructure.models.local import LocalBackend
from nexxi_cli.observability.silence import NO_PROGRESS, SILENT

QUESTION = [Message("user", "What is the capital of France?")]
SHORT = [Message("user", "a")]
LONG = [Message("user", "Write a very long story about a ship.")]


def backend_of(name: str, cache: Path) -> LocalBackend:
    return LocalBackend(
        name=name,
        loader=ModelLoader(cache, NO_PROGRESS),
        threads=None,
        quantise="auto",
        packs=None,
        prefix_bytes=2**20,
        observer=SILENT,
    )


@pytest.fixture
async def tiny(tiny_folder: Path, tmp_path: Path) -> AsyncIterator[LocalBackend]:
    backend = backend_of(str(tiny_folder), tmp_path)
    yield backend
    await backend.aclose()


async def deltas(backend: LocalBackend, messages: list[Message], sampling: Sampling) -> list[Delta]:
    async with aclosing(backend.generate(messages, sampling)) as stream:
        return [delta async for delta in stream]


def text_of(answer: list[Delta]) -> str:
    return "".join(delta.text for delta in answer)


async def test_info_and_counts_are_known_before_the_weights(tiny: LocalBackend, tiny_folder: Path) -> None:
    assert await tiny.info() == ModelInfo(str(tiny_folder), 64)
    assert await tiny.count_tokens([Message("user", "hi")]) > 10


async def test_the_last_delta_carries_finish_and_usage(tiny: LocalBackend) -> None:
    *_, last = await deltas(tiny, [Message("user", "a")], Sampling(max_new_tokens=4, seed=1, temperature=1.0))
    assert last.finish == "length"
    assert last.usage is not None
    assert last.usage.completion_tokens == 4


async def test_a_reply_never_outgrows_the_context(tiny: LocalBackend) -> None:
    messages = [Message("user", "a" * 30)]
    *_, last = await deltas(tiny, messages, Sampling(max_new_tokens=1000, seed=2, temperature=1.0))
    assert last.usage is not None
    assert last.usage.total_tokens <= 64


@pytest.mark.parametrize("start", [1, 4, 9])
async def test_a_reply_ends_before_its_first_stop_string(tiny: LocalBackend, start: int) -> None:
    warm = Sampling(max_new_tokens=30, seed=4, temperature=1.0)
    whole = text_of(await deltas(tiny, SHORT, warm))
    stop = whole[start : start + 3]
    stopped = await deltas(tiny, SHORT, replace(warm, stop=("never", stop)))
    assert (text_of(stopped), stopped[-1].finish) == (whole.split(stop)[0], "stop")


async def test_a_stop_string_that_never_comes_changes_nothing(tiny: LocalBackend) -> None:
    warm = Sampling(max_new_tokens=12, seed=4, temperature=1.0)
    plain, stopped = [await deltas(tiny, SHORT, sampling) for sampling in (warm, replace(warm, stop=("never",)))]
    assert (text_of(stopped), stopped[-1]) == (text_of(plain), plain[-1])


async def test_a_reply_under_a_schema_is_what_it_allows(tiny: LocalBackend) -> None:
    schema = {"type": "array", "items": {"enum": [1, 22]}, "minItems": 1, "maxItems": 3}
    for seed in range(5):
        answer = await deltas(tiny, SHORT, Sampling(seed=seed, temperature=1.0, json_schema=json.dumps(schema)))
        jsonschema.validate(json.loads(text_of(answer)), schema)
        assert answer[-1].finish == "stop"


async def test_a_document_that_its_length_cuts_off_says_so(tiny: LocalBackend) -> None:
    answer = await deltas(tiny, SHORT, Sampling(max_new_tokens=2, json_schema='{"const": "a long text"}'))
    assert (text_of(answer), answer[-1].finish) == ('"a', "length")


async def test_the_model_makes_no_token_past_a_stop_string(tiny: LocalBackend) -> None:
    letters = Sampling(stop=("wv",), json_schema='{"const": "zyxwvutsrqponml"}')  # a token each
    answer = await deltas(tiny, SHORT, letters)
    assert (text_of(answer), answer[-1].finish) == ('"zyx', "stop")
    assert answer[-1].usage == Usage(await tiny.count_tokens(SHORT), len('"zyxwv'))


async def test_a_schema_is_refused_before_the_model_is_asked(tmp_path: Path) -> None:
    backend = backend_of("no-such-model", tmp_path)
    with pytest.raises(UsageError, match="the JSON schema cannot be followed: Invalid type: ship"):
        await deltas(backend, QUESTION, Sampling(json_schema='{"type": "ship"}'))
    await backend.aclose()


async def test_a_model_that_does_not_exist_is_refused_at_the_first_question(tmp_path: Path) -> None:
    backend = backend_of("no-such-model", tmp_path)
    with pytest.raises(NotFound, match="no-such-model"):
        await backend.info()
    with pytest.raises(NotFound, match="no-such-model"):
        await deltas(backend, QUESTION, Sampling())
    await backend.aclose()


@pytest.fixture
def broken_folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model with 100 bytes of weights."""
    broken = Path(shutil.copytree(tiny_folder, tmp_path / "broken"))
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    return broken


async def test_broken_weights_are_refused_and_the_tokenizer_still_counts(broken_folder: Path, tmp_path: Path) -> None:
    backend = backend_of(str(broken_folder), tmp_path)
    assert await backend.count_tokens(QUESTION)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        await deltas(backend, QUESTION, Sampling())
    await backend.aclose()


@pytest.mark.model
async def test_the_real_model_knows_the_capital_of_france(real_model: Path) -> None:
    backend = backend_of("smollm2-135m", real_model.parents[1])
    answer = await deltas(backend, QUESTION, Sampling(max_new_tokens=40))
    assert "Paris" in "".join(delta.text for delta in answer)
    assert answer[-1].finish == "stop"

    async with aclosing(backend.generate(LONG, Sampling(max_new_tokens=500))) as stream:
        async for _ in stream:
            break
    began = time.monotonic()
    await deltas(backend, QUESTION, Sampling(max_new_tokens=1))
    assert time.monotonic() - began < 5  # 500 tokens would have taken longer: the first reply was stopped
    await backend.aclose()


CITIES = {
    "type": "object",
    "properties": {
        "capital": {"type": "string", "maxLength": 30},
        "continent": {"enum": ["Europe", "Asia"]},
        "cities": {"type": "array", "items": {"type": "string", "maxLength": 30}, "minItems": 2, "maxItems": 2},
    },
    "required": ["capital", "continent", "cities"],
    "additionalProperties": False,
}


@pytest.mark.model
async def test_the_real_model_keeps_to_a_schema_and_to_a_stop_string(real_model: Path) -> None:
    backend = backend_of("smollm2-135m", real_model.parents[1])
    question = [Message("user", "Describe France as JSON.")]
    for sampling in (Sampling(temperature=0), Sampling(temperature=0.8, seed=1)):
        answer = await deltas(backend, question, replace(sampling, json_schema=json.dumps(CITIES)))
        jsonschema.validate(json.loads(text_of(answer)), CITIES)
        assert answer[-1].finish == "stop"
    answer = await deltas(backend, question, Sampling(temperature=0, max_new_tokens=200, json_schema=ANY_JSON_OBJECT))
    assert isinstance(json.loads(text_of(answer)), dict)
    answer = await deltas(backend, QUESTION, Sampling(temperature=0, stop=("Paris",)))
    assert (text_of(answer), answer[-1].finish) == ("The capital of France is ", "stop")
    await backend.aclose()


@pytest.mark.model
async def test_the_event_loop_goes_on_while_the_model_thinks(real_model: Path) -> None:
    backend = backend_of("smollm2-135m", real_model.parents[1])
    await deltas(backend, QUESTION, Sampling(max_new_tokens=1))
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    heart = asyncio.create_task(beat())
    answer = await deltas(backend, LONG, Sampling(max_new_tokens=40))
    heart.cancel()
    assert beats > len(answer)
    await backend.aclose()
