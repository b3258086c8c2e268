"""The engine as its backend uses it: greedy, seeded, stopped, resumed, and refused when it is broken."""

import json
import shutil
import threading
from pathlib import Path

import pytest
import torch

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine import batch
from nexxi_cli.infrastructure.engine.checkpoint import Floats, Quantise
from nexxi_cli.infrastructure.engine.fast import FastEngine
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.linear import Int8
from nexxi_cli.infrastructure.engine.llama import Llama
from nexxi_cli.infrastructure.engine.packs import ALIGNED_BYTES, Packs
from nexxi_cli.infrastructure.models.engine import TransformersEngine
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.generating import Stopped
from tests.infrastructure.engine.models import FAMILIES, make

PROMPT = [1, 20, 30, 40]
GREEDY = Sampling(temperature=0)
WARM = Sampling(temperature=1.0, seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    make(FAMILIES["llama"], path)
    return path


@pytest.fixture
def engine(folder: Path) -> FastEngine:
    return load(folder)


def load(
    folder: Path, *, quantise: Quantise = "auto", packs: Path | None = None, prefix_bytes: int = 2**24
) -> FastEngine:
    return FastEngine.load(
        ModelFolder("small", folder), quantise=quantise, threads=1, packs=packs, prefix_bytes=prefix_bytes
    )


def answer(
    engine: FastEngine | TransformersEngine, sampling: Sampling, prompt: list[int] = PROMPT, *, most: int = 24
) -> list[int]:
    tokens: list[int] = []
    engine.generate(prompt, sampling, max_new_tokens=most, on_token=tokens.append, stop=threading.Event())
    return tokens


def test_greedy_replies_are_those_of_transformers(engine: FastEngine, folder: Path) -> None:
    reference = TransformersEngine.load(ModelFolder("small", folder), dtype="float32", threads=1)
    for first in range(3, 23):
        prompt = [1, first, 3 * first % 96, 7]
        assert answer(engine, GREEDY, prompt) == answer(reference, GREEDY, prompt)


def test_a_reply_ends_at_its_limit(engine: FastEngine) -> None:
    tokens: list[int] = []
    ended = engine.generate(PROMPT, WARM, max_new_tokens=3, on_token=tokens.append, stop=threading.Event())
    assert (ended, len(tokens)) == (False, 3)


def test_the_end_token_ends_a_reply_and_is_not_part_of_it(folder: Path, tmp_path: Path) -> None:
    first = answer(load(folder), GREEDY, most=1)[0]
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, first]}))
    tokens: list[int] = []
    assert load(copy).generate(PROMPT, GREEDY, max_new_tokens=9, on_token=tokens.append, stop=threading.Event())
    assert tokens == []


def test_a_seed_makes_a_reply_repeatable_and_leaves_the_numbers_of_others_alone(engine: FastEngine) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    assert answer(engine, WARM) == answer(engine, WARM)
    assert torch.equal(torch.rand(1), expected)
    assert len({tuple(answer(engine, Sampling(temperature=2.0))) for _ in range(4)}) > 1


def test_a_stopped_reply_ends_within_one_token(engine: FastEngine) -> None:
    stop, tokens = threading.Event(), []

    def take(token: int) -> None:
        tokens.append(token)
        if len(tokens) == 4:
            stop.set()

    with pytest.raises(Stopped):
        engine.generate(PROMPT, WARM, max_new_tokens=50, on_token=take, stop=stop)
    assert len(tokens) == 4


def test_a_long_prompt_is_read_in_pieces_that_can_be_stopped(
    engine: FastEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [3 + number % 90 for number in range(50)]
    whole = answer(engine, GREEDY, long)
    monkeypatch.setattr(batch, "CHUNK", 16)
    assert answer(engine, GREEDY, long) == whole
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        engine.generate(long, GREEDY, max_new_tokens=9, on_token=print, stop=stop)


class Counting(Llama):
    """Notes how many tokens it reads at a time."""

    def __init__(self, model: Llama) -> None:
        self.__dict__.update(model.__dict__)
        self.sizes: list[int] = []

    def read(self, tokens: list[int], text: KeyValues) -> Floats:  # type: ignore[override]
        self.sizes.append(len(tokens))
        return super().read(tokens, text)


def test_the_next_turn_reads_only_what_is_new_and_answers_as_if_it_had_read_all(folder: Path) -> None:
    engine, fresh = load(folder), load(folder)
    engine._batch._model = counting = Counting(engine._batch._model)
    ann, bob = Sampling(temperature=0, prompt_cache_key="ann"), Sampling(temperature=0, prompt_cache_key="bob")
    longer = [*PROMPT, *answer(engine, ann, most=5), 50, 51]
    counting.sizes.clear()
    assert answer(engine, ann, longer) == answer(fresh, GREEDY, longer)
    assert counting.sizes[0] <= 3
    counting.sizes.clear()
    answer(engine, bob, longer)
    assert counting.sizes[0] == len(longer)


def test_without_a_key_or_without_memory_all_is_read_again(folder: Path) -> None:
    for engine, sampling in (
        (load(folder), GREEDY),
        (load(folder, prefix_bytes=0), Sampling(temperature=0, prompt_cache_key="ann")),
    ):
        engine._batch._model = counting = Counting(engine._batch._model)
        answer(engine, sampling, most=1)
        answer(engine, sampling, most=1)
        assert counting.sizes.count(len(PROMPT)) == 2


def test_a_reply_that_was_stopped_leaves_a_text_that_can_go_on(folder: Path) -> None:
    engine, ann = load(folder), Sampling(temperature=0, prompt_cache_key="ann")
    stop = threading.Event()

    def leave(_: int) -> None:
        stop.set()

    with pytest.raises(Stopped):
        engine.generate(PROMPT, ann, max_new_tokens=50, on_token=leave, stop=stop)
    assert answer(engine, ann, [*PROMPT, 60]) == answer(load(folder), GREEDY, [*PROMPT, 60])


def test_packed_weights_are_kept_and_give_the_same_reply(folder: Path, tmp_path: Path) -> None:
    first = answer(load(folder, quantise="int8", packs=tmp_path / "packs"), GREEDY)
    [kept] = (tmp_path / "packs").iterdir()
    before = kept.stat().st_mtime_ns
    assert answer(load(folder, quantise="int8", packs=tmp_path / "packs"), GREEDY) == first
    assert kept.stat().st_mtime_ns == before
    kept.write_bytes(kept.read_bytes()[:100])
    assert answer(load(folder, quantise="int8", packs=tmp_path / "packs"), GREEDY) == first
    assert kept.stat().st_size > 100


def test_packed_weights_are_mapped_where_a_kernel_may_read_them(folder: Path, tmp_path: Path) -> None:
    load(folder, quantise="int8", packs=tmp_path / "packs")
    [kept] = (tmp_path / "packs").iterdir()
    head = 8 + int.from_bytes(kept.read_bytes()[:8], "little")
    assert head % ALIGNED_BYTES == 0
    found = Packs(kept).get("head", Int8, pytest.fail)
    assert found.packed.data_ptr() % ALIGNED_BYTES == 0
    for rows in range(1, Int8.most_rows + 1):
        found(torch.ones(rows, found.packed.shape[1], dtype=torch.bfloat16))


def test_packed_weights_of_older_weights_are_replaced(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    load(copy, quantise="int4", packs=tmp_path / "packs")
    load(copy, quantise="int8", packs=tmp_path / "packs")
    assert len(list((tmp_path / "packs").iterdir())) == 2
    make(FAMILIES["llama"], copy, seed=1)
    load(copy, quantise="int8", packs=tmp_path / "packs")
    assert len(list((tmp_path / "packs").iterdir())) == 2


def test_a_folder_that_takes_no_packs_keeps_nobody_from_an_answer(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "packs").write_text("a file")
    assert answer(load(folder, quantise="int8", packs=tmp_path / "packs"), GREEDY)
    assert (tmp_path / "packs").read_text() == "a file"


@pytest.fixture
def broken(tmp_path: Path, folder: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(folder, tmp_path / "broken"))


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_truncated_weights_are_refused(broken: Path, kept: int) -> None:
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ModelUnavailable, match="cannot be read") as refusal:
        load(broken)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"num_hidden_layers": 4}, r"model\.layers\.3\.\S+ is missing"), ({"intermediate_size": 64}, "is .*, not")],
)
def test_weights_of_another_shape_are_refused(broken: Path, change: dict[str, int], reason: str) -> None:
    config = broken / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(ModelUnavailable, match=reason):
        load(broken)


def test_a_model_of_another_kind_is_not_for_this_engine(broken: Path) -> None:
    config = broken / "config.json"
    config.write_text(config.read_text().replace('"model_type": "llama"', '"model_type": "gpt2"'))
    with pytest.raises(UnsupportedModel, match="gpt2"):
        load(broken)


def test_weights_in_several_files_are_found(folder: Path, tmp_path: Path) -> None:
    model = make(FAMILIES["llama"], tmp_path / "whole")
    model.save_pretrained(tmp_path / "parts", max_shard_size="50KB")
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) > 1
    assert answer(load(tmp_path / "parts"), GREEDY) == answer(load(folder), GREEDY)
