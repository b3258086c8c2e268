"""A real classifier, trained on a toy vocabulary: its scores, its windows, and what is no classifier."""

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from nexxi_cli.core.errors import ModelUnavailable, NexxiError, NotFound, UnsupportedModel
from nexxi_cli.infrastructure.models.classifier import TransformersClassifier
from nexxi_cli.infrastructure.models.loader import ModelLoader
from nexxi_cli.observability.silence import NO_PROGRESS
from tests.infrastructure.models.tiny_classifier import CONTEXT, MULTI_LABELS, SINGLE_LABELS, wordpiece

CALM = "tell me about the capital of france . "


def a_classifier(name: Path | str, cache: Path) -> TransformersClassifier:
    return TransformersClassifier(str(name), ModelLoader(cache, NO_PROGRESS))


def changed(folder: Path, target: Path, **config: object) -> Path:
    """A copy with other entries in its config.json; None removes one."""
    shutil.copytree(folder, target)
    file = target / "config.json"
    kept = {key: value for key, value in (json.loads(file.read_text()) | config).items() if value is not None}
    file.write_text(json.dumps(kept))
    return target


@pytest.fixture
def multi(multi_label_model: Path, tmp_path: Path) -> TransformersClassifier:
    return a_classifier(multi_label_model, tmp_path)


@pytest.fixture
def single(single_label_model: Path, tmp_path: Path) -> TransformersClassifier:
    return a_classifier(single_label_model, tmp_path)


async def test_labels_that_do_not_exclude_each_other_are_sure_for_themselves(multi: TransformersClassifier) -> None:
    await multi.ready()
    assert multi.labels() == MULTI_LABELS
    scores = multi.scores("Kill me, you fool!")
    assert scores["threat"] > 0.9
    assert scores["insult"] > 0.9
    assert multi.scores("You idiot.")["threat"] < 0.1


def test_labels_that_exclude_each_other_share_one(single: TransformersClassifier) -> None:
    assert single.labels() == SINGLE_LABELS
    scores = single.scores("You idiot.")
    assert sum(scores.values()) == pytest.approx(1)
    assert scores["toxic"] > 0.9


@pytest.mark.parametrize("text", ["", " ", "\0", "\N{GRINNING FACE}" * 9, "\ud800", "é" * 1000], ids=ascii)
def test_no_text_is_too_odd_to_judge(multi: TransformersClassifier, text: str) -> None:
    assert set(multi.scores(text)) == set(MULTI_LABELS)


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_a_word_is_seen_wherever_it_stands_in_a_long_text(multi: TransformersClassifier, place: int) -> None:
    words = (CALM * 15).split()
    assert len(words) > 3 * CONTEXT
    assert multi.scores(" ".join(words))["insult"] < 0.1
    assert multi.scores(" ".join([*words[:place], "idiot", *words[place:]]))["insult"] > 0.9


def test_windows_overlap_and_none_is_longer_than_the_model(multi: TransformersClassifier) -> None:
    scorer = multi._scorer.result()
    encoding = scorer._tokenizer.encode(CALM * 20)
    windows = [encoding, *encoding.overflowing]
    assert {len(window.ids) for window in windows[:-1]} == {CONTEXT - 2}
    for left, right in pairwise(windows):
        assert left.ids[-5:-1] == right.ids[1:5]  # an eighth of 32, between [CLS] and [SEP]


def test_a_model_that_says_nothing_of_its_kind_has_labels_that_exclude_each_other(
    single_label_model: Path, tmp_path: Path
) -> None:
    folder = changed(single_label_model, tmp_path / "untold", problem_type=None)
    assert sum(a_classifier(folder, tmp_path).scores("You idiot.").values()) == pytest.approx(1)


def test_a_model_without_names_for_its_labels_has_those_of_transformers(
    single_label_model: Path, tmp_path: Path
) -> None:
    folder = changed(single_label_model, tmp_path / "nameless", id2label=None, label2id=None)
    assert a_classifier(folder, tmp_path).scores("You idiot.")["LABEL_1"] > 0.9


def test_a_tokenizer_of_the_old_kind_is_read_too(multi_label_model: Path, tmp_path: Path) -> None:
    folder = changed(multi_label_model, tmp_path / "old")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    tokens = sorted(wordpiece().get_vocab().items(), key=lambda entry: entry[1])
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in tokens))
    scores = a_classifier(folder, tmp_path).scores("You IDIOT.")
    assert scores["insult"] > 0.9
    assert scores["threat"] < 0.1


@pytest.fixture
def refused(multi_label_model: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the model, spoiled by the test's parameter."""
    folder = changed(multi_label_model, tmp_path / "spoiled")
    request.param(folder)
    return folder


def a_chat_model(folder: Path) -> None:
    changed_config(folder, architectures=["LlamaForCausalLM"])


def a_regression(folder: Path) -> None:
    changed_config(folder, problem_type="regression")


def half_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: weight for name, weight in weights.items() if "classifier" not in name}, folder / "model.safetensors"
    )


def one_label_too_many(folder: Path) -> None:
    changed_config(folder, id2label={str(number): f"l{number}" for number in range(4)})


def strange_labels(folder: Path) -> None:
    changed_config(folder, id2label={"a": "toxic"})


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def changed_config(folder: Path, **config: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))


@pytest.mark.parametrize(
    ("refused", "error", "words"),
    [
        (a_chat_model, UnsupportedModel, "is no text classifier, but a LlamaForCausalLM"),
        (a_regression, UnsupportedModel, "problem_type regression"),
        (half_weights, ModelUnavailable, "are not whole: classifier.bias"),
        (one_label_too_many, ModelUnavailable, "the weights of .* cannot be read"),
        (strange_labels, ModelUnavailable, "id2label"),
        (broken_tokenizer, ModelUnavailable, "is not a tokenizer"),
    ],
    indirect=["refused"],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_what_is_no_whole_classifier_is_refused_in_one_line(
    refused: Path, error: type[NexxiError], words: str, tmp_path: Path
) -> None:
    classifier = a_classifier(refused, tmp_path)
    with pytest.raises(error, match=words) as raised:
        await classifier.ready()
    assert str(raised.value).startswith("moderation_model: ")
    assert "\n" not in str(raised.value)


async def test_a_folder_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="moderation_model: there is no model file or folder"):
        await a_classifier(tmp_path / "nothing", tmp_path).ready()


def test_many_threads_ask_at_once(multi: TransformersClassifier) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(multi.scores, ["You idiot.", CALM] * 20))
    assert [scores["insult"] > 0.5 for scores in found] == [True, False] * 20


async def test_a_closed_classifier_reads_no_further(multi: TransformersClassifier) -> None:
    await multi.ready()
    await multi.aclose()
    with pytest.raises(ModelUnavailable, match="closed"):
        await asyncio.to_thread(multi.scores, CALM)


async def test_whoever_waits_for_it_can_be_cancelled_and_the_others_wait_on(multi: TransformersClassifier) -> None:
    impatient, patient = asyncio.create_task(multi.ready()), asyncio.create_task(multi.ready())
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    assert impatient.cancelled()
