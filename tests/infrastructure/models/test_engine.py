"""Generation: greedy as the model says, repeatable by seed, stopped within a token, never from half a model."""

import shutil
import threading
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.models.engine import Stopped, TransformersEngine
from nexxi_cli.infrastructure.models.folder import ModelFolder
from tests.infrastructure.models.tiny import tiny_model, write_folder

PROMPT = [1, 20, 30, 40]
GREEDY = Sampling(temperature=0)
WARM = Sampling(temperature=1.0, seed=7)


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> TransformersEngine:
    return TransformersEngine.load(ModelFolder("tiny", tiny_folder), dtype="float32", threads=1)


def answer(engine: TransformersEngine, sampling: Sampling, *, most: int = 12) -> list[int]:
    tokens: list[int] = []
    engine.generate(PROMPT, sampling, max_new_tokens=most, on_token=tokens.append, stop=threading.Event())
    return tokens


def argmaxes(model: LlamaForCausalLM, most: int) -> list[int]:
    """Greedy decoding by the book: the whole sequence through the model for each token."""
    ids = list(PROMPT)
    with torch.inference_mode():
        for _ in range(most):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(PROMPT) :]


def test_greedy_tokens_are_the_model_s_best_ones(engine: TransformersEngine, model: LlamaForCausalLM) -> None:
    expected = argmaxes(model, 12)
    end = expected.index(2) if 2 in expected else 12
    assert answer(engine, GREEDY) == expected[:end]


def test_a_reply_ends_at_its_limit(engine: TransformersEngine) -> None:
    tokens: list[int] = []
    ended = engine.generate(PROMPT, WARM, max_new_tokens=3, on_token=tokens.append, stop=threading.Event())
    assert (ended, len(tokens)) == (False, 3)


def test_the_end_token_ends_a_reply_and_is_not_part_of_it(tmp_path: Path) -> None:
    model = tiny_model()
    first = argmaxes(model, 1)[0]
    model.generation_config.eos_token_id = [2, first]
    engine = TransformersEngine.load(ModelFolder("tiny", write_folder(tmp_path, model)), dtype="float32", threads=1)
    tokens: list[int] = []
    assert engine.generate(PROMPT, GREEDY, max_new_tokens=9, on_token=tokens.append, stop=threading.Event())
    assert tokens == []


def test_a_seed_makes_a_reply_repeatable(engine: TransformersEngine) -> None:
    assert answer(engine, WARM) == answer(engine, WARM)


def test_without_a_seed_replies_differ(engine: TransformersEngine) -> None:
    assert len({tuple(answer(engine, Sampling(temperature=2.0))) for _ in range(4)}) > 1


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-40, 1e-6])
def test_a_temperature_that_is_next_to_nothing_is_none(engine: TransformersEngine, temperature: float) -> None:
    assert answer(engine, Sampling(temperature=temperature)) == answer(engine, GREEDY)


def test_the_least_temperature_that_is_one_still_samples(engine: TransformersEngine) -> None:
    assert answer(engine, Sampling(temperature=1e-5, seed=7))


def test_a_seed_leaves_the_random_numbers_of_others_alone(engine: TransformersEngine) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    answer(engine, WARM)
    assert torch.equal(torch.rand(1), expected)


def test_a_stopped_reply_ends_within_one_token(engine: TransformersEngine) -> None:
    stop, tokens = threading.Event(), []

    def take(token: int) -> None:
        tokens.append(token)
        if len(tokens) == 4:
            stop.set()

    with pytest.raises(Stopped):
        engine.generate(PROMPT, WARM, max_new_tokens=50, on_token=take, stop=stop)
    assert len(tokens) == 4
    assert len(answer(engine, WARM, most=2)) == 2


@pytest.fixture
def folder(tmp_path: Path, tiny_folder: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "folder"))


def load(folder: Path) -> TransformersEngine:
    return TransformersEngine.load(ModelFolder("tiny", folder), dtype="auto", threads=None)


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_truncated_weights_are_refused(folder: Path, kept: int) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ModelUnavailable, match="the weights of tiny cannot be read") as refusal:
        load(folder)
    assert "\n" not in str(refusal.value)


def test_weights_that_lack_a_tensor_are_refused(folder: Path) -> None:
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(ModelUnavailable, match=r"not whole: model\.layers\.2"):
        load(folder)


def test_a_model_of_an_unknown_kind_is_refused(folder: Path) -> None:
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"model_type": "llama"', '"model_type": "of-tomorrow"'))
    with pytest.raises(UnsupportedModel, match="tiny cannot be run"):
        load(folder)
