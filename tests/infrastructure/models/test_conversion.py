"""A GGUF file becomes a folder with the same weights, or a line that says why not."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from nexxi_cli.core.errors import ModelUnavailable, NexxiError, OutOfSpace, UnsupportedModel
from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.models.conversion import convert_gguf
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.tokens import load_codec
from tests.infrastructure.models.progress import RecordedProgress
from tests.infrastructure.models.tiny import CONTEXT, TEMPLATE, write_gguf


def converted(gguf: Path, target: Path) -> ModelFolder:
    target.mkdir(exist_ok=True)
    convert_gguf(gguf, target, name="tiny", progress=RecordedProgress(), need_room=lambda size_bytes: None)
    return ModelFolder("tiny", target)


@pytest.fixture(scope="module")
def folder(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return converted(tiny_gguf, tmp_path_factory.mktemp("converted"))


def test_the_weights_are_those_of_the_original_in_bfloat16(folder: ModelFolder, model: LlamaForCausalLM) -> None:
    weights = load_file(folder.path / "model.safetensors")
    for key, weight in model.state_dict().items():
        if key != "lm_head.weight":  # tied to the embedding
            assert torch.equal(weights[key], weight.to(torch.bfloat16)), key


def test_context_template_and_end_token_come_along(folder: ModelFolder) -> None:
    assert folder.context_length == CONTEXT
    assert folder.chat_template == TEMPLATE
    assert folder.special_token("eos_token") == "<|im_end|>"
    assert load_codec(folder).encode([Message("user", "hi")])[0] == 1


def test_digits_are_split_one_by_one_where_llama_cpp_does_so(folder: ModelFolder) -> None:
    pre_tokenizer = json.loads((folder.path / "tokenizer.json").read_text())["pre_tokenizer"]
    assert [step["type"] for step in pre_tokenizer["pretokenizers"]] == ["Digits", "ByteLevel"]


@pytest.mark.parametrize("kept", [0, 3, 20, 1000, -100])
def test_a_truncated_file_is_refused(tiny_gguf: Path, tmp_path: Path, kept: int) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(tiny_gguf.read_bytes()[:kept])
    with pytest.raises(ModelUnavailable, match=r"broken\.gguf is not a whole GGUF file") as refusal:
        converted(broken, tmp_path / "out")
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"PK\x03\x04" * 1000)
    with pytest.raises(ModelUnavailable, match="not a whole GGUF file"):
        converted(tmp_path / "x.gguf", tmp_path / "out")


@pytest.mark.parametrize("offset", [1, 4, 8, 16, 17, 24, 30, 60, 100, 150])
def test_damaged_metadata_never_gives_anything_but_a_line(tiny_gguf: Path, tmp_path: Path, offset: int) -> None:
    whole = tiny_gguf.read_bytes()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :])
    with pytest.raises(NexxiError) as refusal:
        converted(broken, tmp_path / "out")
    assert "\n" not in str(refusal.value)


def test_an_architecture_that_cannot_be_converted_is_named(tmp_path: Path, model: LlamaForCausalLM) -> None:
    gguf = write_gguf(tmp_path / "x.gguf", model, architecture="rwkv7")
    with pytest.raises(UnsupportedModel, match="architecture 'rwkv7'"):
        converted(gguf, tmp_path / "out")


def test_a_file_without_a_tokenizer_is_no_chat_model(tmp_path: Path, model: LlamaForCausalLM) -> None:
    gguf = write_gguf(tmp_path / "x.gguf", model, tokenizer=False)
    with pytest.raises(UnsupportedModel, match="carries no tokenizer"):
        converted(gguf, tmp_path / "out")


def test_a_missing_tensor_is_never_made_up(tmp_path: Path, model: LlamaForCausalLM) -> None:
    gguf = write_gguf(tmp_path / "x.gguf", model, without="blk.1.ffn_up.weight")
    with pytest.raises(ModelUnavailable, match=r"not whole: .*up_proj.* is missing"):
        converted(gguf, tmp_path / "out")


def test_a_damaged_number_of_blocks_is_refused_before_a_model_of_that_size_is_built(
    tiny_gguf: Path, tmp_path: Path
) -> None:
    whole, key = tiny_gguf.read_bytes(), b"llama.block_count"
    value = whole.index(key) + len(key) + 4  # after the key comes the type, then the value: four bytes each
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(whole[: value + 3] + b"\xff" + whole[value + 4 :])
    with pytest.raises(ModelUnavailable, match=r"states \d{10} blocks and has 2"):
        converted(broken, tmp_path / "out")


def test_a_disk_without_room_is_found_out_before_anything_is_written(tiny_gguf: Path, tmp_path: Path) -> None:
    def need_room(size_bytes: int) -> None:
        raise OutOfSpace(f"{size_bytes} bytes")

    with pytest.raises(OutOfSpace, match=r"\d{4,} bytes"):
        convert_gguf(tiny_gguf, tmp_path, name="tiny", progress=RecordedProgress(), need_room=need_room)
    assert list(tmp_path.iterdir()) == []
