"""Both caches of transformers: the same tokens, and a beginning that is known is not read again."""

import threading
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaForCausalLM,
    MambaConfig,
    MistralConfig,
    MistralForCausalLM,
    RwkvConfig,
)

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.models.engine import TransformersEngine, dtype_for
from nexxi_cli.infrastructure.models.generating import Stopped
from nexxi_cli.infrastructure.models.held import CacheKind, cache_kind, static_length
from tests.infrastructure.models.tiny import tiny_model

PROMPT = [1, 20, 30, 40, 50, 60]
OTHER = [1, 77, 78, 79]
GREEDY = Sampling(temperature=0, prompt_cache_key="ada")
KINDS: tuple[CacheKind, ...] = ("dynamic", "static")


class Reading:
    """An engine over a model, and how many tokens each of its passes through the model was given."""

    def __init__(self, model: Any, kind: CacheKind | None, *, prefix_bytes: int = 2**20) -> None:
        model.generation_config.eos_token_id = None
        self.engine = TransformersEngine(model, cache=kind, prefix_bytes=prefix_bytes)
        self.passes: list[int] = []
        self.fails = False
        model.register_forward_pre_hook(self._note, with_kwargs=True)

    def answer(self, prompt: list[int], sampling: Sampling = GREEDY, *, most: int = 12, stop_at: int = 99) -> list[int]:
        tokens: list[int] = []
        stop = threading.Event()

        def take(token: int) -> None:
            tokens.append(token)
            if len(tokens) == stop_at:
                stop.set()

        self.passes.clear()
        self.engine.generate(prompt, sampling, max_new_tokens=most, on_token=take, stop=stop)
        return tokens

    def _note(self, _: Any, __: Any, kwargs: dict[str, Any]) -> None:
        self.passes.append(kwargs["input_ids"].shape[1])
        if self.fails:
            raise RuntimeError("out of memory")


def sliding_model() -> MistralForCausalLM:
    """Whose tokens see the 8 before them."""
    torch.manual_seed(3)
    config = MistralConfig(
        vocab_size=100,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=8,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    return MistralForCausalLM(config).eval()


def with_long_context(model: LlamaForCausalLM) -> LlamaForCausalLM:
    model.config.max_position_embeddings = 4096
    return model


def by_the_book(model: LlamaForCausalLM | MistralForCausalLM, prompt: list[int], most: int = 12) -> list[int]:
    """Greedy decoding without any cache."""
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(most):
            ids.append(int(model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return ids[len(prompt) :]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> CacheKind:
    kind: CacheKind = request.param
    return kind


@pytest.mark.parametrize("seed", range(5))
def test_greedy_tokens_are_those_without_a_cache(kind: CacheKind, seed: int) -> None:
    reading = Reading(tiny_model(seed=seed), kind)
    assert reading.answer(PROMPT, most=40) == by_the_book(tiny_model(seed=seed), PROMPT, 40)


def test_a_prompt_that_goes_on_is_read_from_where_it_was_left(kind: CacheKind) -> None:
    reading = Reading(tiny_model(), kind)
    longer = [*PROMPT, *reading.answer(PROMPT), 33, 44]
    answered = reading.answer(longer)
    assert reading.passes[0] == 3  # the reply's last token, which was never read, and what is new
    assert answered == by_the_book(tiny_model(), longer)


def test_a_prompt_that_branches_off_is_right_and_so_is_the_first_one_again(kind: CacheKind) -> None:
    reading, book = Reading(tiny_model(), kind), tiny_model()
    reading.answer(PROMPT)
    branch = [*PROMPT[:4], 90, 91]
    assert reading.answer(branch) == by_the_book(book, branch)
    assert reading.passes[0] == 2
    assert reading.answer(PROMPT) == by_the_book(book, PROMPT)
    assert reading.passes[0] == 2
    assert reading.answer(PROMPT) == by_the_book(book, PROMPT)
    assert reading.passes[0] == 1  # the last token is always read: its scores are wanted


@pytest.mark.parametrize("key", ["eve", None])
def test_nothing_is_known_to_another_key_or_none(kind: CacheKind, key: str | None) -> None:
    reading = Reading(tiny_model(), kind)
    sampling = Sampling(temperature=0, prompt_cache_key=key)
    first = reading.answer(PROMPT)
    assert reading.answer(PROMPT, sampling) == first
    assert reading.passes[0] == len(PROMPT)
    reading.answer(PROMPT)
    assert reading.passes[0] == len(PROMPT)


def test_a_prompt_with_nothing_in_common_is_right(kind: CacheKind) -> None:
    reading = Reading(tiny_model(), kind)
    reading.answer([5, 6, 7])
    assert reading.answer(OTHER) == by_the_book(tiny_model(), OTHER)
    assert reading.passes[0] == len(OTHER)


@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_stopped_reply_ends_within_one_token_and_what_it_read_is_known(kind: CacheKind, stop_at: int) -> None:
    reading = Reading(tiny_model(), kind)
    whole = by_the_book(tiny_model(), PROMPT)
    with pytest.raises(Stopped):
        reading.answer(PROMPT, stop_at=stop_at)
    assert len(reading.passes) == stop_at
    again = [*PROMPT, *whole[:stop_at], 33]
    assert reading.answer(again) == by_the_book(tiny_model(), again)
    assert reading.passes[0] == 2


def test_after_a_failure_the_next_prompt_is_read_whole(kind: CacheKind) -> None:
    reading = Reading(tiny_model(), kind)
    reading.answer(PROMPT)
    reading.fails = True
    with pytest.raises(ModelUnavailable, match="out of memory"):
        reading.answer(PROMPT)
    reading.fails = False
    assert reading.answer(PROMPT) == by_the_book(tiny_model(), PROMPT)
    assert reading.passes[0] == len(PROMPT)


@pytest.mark.parametrize("prefix_bytes", [0, 100])
def test_what_takes_too_much_memory_is_not_kept(prefix_bytes: int) -> None:
    reading = Reading(tiny_model(), "dynamic", prefix_bytes=prefix_bytes)
    first = reading.answer(PROMPT)
    assert (reading.answer(PROMPT), reading.passes[0]) == (first, len(PROMPT))


def test_a_static_cache_that_is_too_short_gives_way_to_a_longer_one() -> None:
    reading = Reading(with_long_context(tiny_model()), "static")
    reading.answer(PROMPT)
    long = [3 + number % 200 for number in range(1100)]
    assert reading.answer(long, most=2) == by_the_book(with_long_context(tiny_model()), long, 2)
    assert reading.passes[:3] == [512, 512, 76]


def test_with_a_sliding_window_each_prompt_is_read_whole_and_right(kind: CacheKind) -> None:
    reading = Reading(sliding_model(), kind)
    first = reading.answer(PROMPT, most=20)
    assert first == by_the_book(sliding_model(), PROMPT, 20)
    longer = [*PROMPT, *first, 33]
    assert reading.answer(longer) == by_the_book(sliding_model(), longer)
    assert reading.passes[0] == len(longer)


def test_a_seed_says_the_same_with_both() -> None:
    warm = Sampling(temperature=1.0, seed=7)
    assert len({tuple(Reading(tiny_model(), kind).answer(PROMPT, warm)) for kind in KINDS}) == 1


@pytest.mark.parametrize(
    "config",
    [
        MambaConfig(vocab_size=100, hidden_size=16, num_hidden_layers=2, state_size=8),
        RwkvConfig(vocab_size=100, hidden_size=16, num_hidden_layers=2, attention_hidden_size=16),
    ],
    ids=["mamba", "rwkv"],
)
def test_a_model_without_attention_answers_with_a_state_of_its_own(config: Any) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    reading = Reading(model, None)
    first = reading.answer(PROMPT)
    assert (len(first), reading.answer(PROMPT), reading.engine.words.endswith("cache")) == (12, first, False)


@pytest.mark.parametrize(
    ("device", "takes_caches", "has_fixed_shapes", "kind"),
    [
        ("cuda", True, True, "static"),
        ("cuda", True, False, "dynamic"),
        ("cpu", True, True, "dynamic"),
        ("cuda", False, True, "its own"),
        ("cpu", False, False, "its own"),
    ],
)
def test_the_cache_suits_device_and_model(
    device: str, *, takes_caches: bool, has_fixed_shapes: bool, kind: CacheKind
) -> None:
    assert cache_kind(device, takes_caches=takes_caches, has_fixed_shapes=has_fixed_shapes) == kind


@pytest.mark.parametrize(
    ("needed", "context", "length"),
    [(1, 8192, 1024), (1024, 8192, 1024), (1025, 8192, 2048), (5000, 8192, 8192), (3000, None, 4096), (70, 64, 70)],
)
def test_a_static_cache_is_a_power_of_two_within_the_context(needed: int, context: int | None, length: int) -> None:
    assert static_length(needed, context) == length


@pytest.mark.parametrize(
    ("config", "device", "dtype"),
    [
        ({"dtype": "float32"}, "cuda", "bfloat16"),
        ({"torch_dtype": "float16"}, "cuda", "bfloat16"),
        ({"dtype": "float32"}, "cpu", "float32"),
        ({"text_config": {"dtype": "float32"}}, "cpu", "float32"),
        ({"dtype": "float16"}, "cpu", "bfloat16"),
        ({}, "cpu", "bfloat16"),
    ],
)
def test_weights_are_bfloat16_on_cuda_and_as_saved_or_bfloat16_elsewhere(
    config: dict[str, Any], device: str, dtype: str
) -> None:
    assert dtype_for(config, device) == dtype


def test_the_engine_says_what_it_computes_with() -> None:
    assert Reading(tiny_model(), "static").engine.words.startswith("transformers, float32, CPU, threads: ")
    assert Reading(tiny_model(), "static").engine.words.endswith(", static cache")
