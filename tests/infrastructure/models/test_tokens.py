"""Text becomes tokens in the model's own way, and tokens become text piece by piece."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaForCausalLM

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.tokens import TokenCodec, load_codec
from tests.infrastructure.models.tiny import vocabulary, write_folder


@pytest.fixture(scope="module")
def codec(tiny_folder: Path) -> TokenCodec:
    return load_codec(ModelFolder("tiny", tiny_folder))


def test_special_tokens_of_the_template_are_single_tokens(codec: TokenCodec) -> None:
    ids = codec.encode([Message("user", "hi")])
    assert [vocabulary()[token] for token in ids[:2]] == ["<|im_start|>", "u"]
    assert ids.count(2) == 1  # one <|im_end|>


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_a_reply_comes_back_as_it_was_whatever_its_characters(codec: TokenCodec, text: str) -> None:
    ids = codec._tokenizer.encode(text).ids
    stream = codec.text_stream()
    assert "".join(stream.push(token) for token in ids) + stream.finish() == codec._tokenizer.decode(ids)


def test_a_character_comes_once_its_bytes_have_come(codec: TokenCodec) -> None:
    stream = codec.text_stream()
    pieces = [stream.push(token) for token in codec._tokenizer.encode("🙂").ids]
    assert pieces == ["", "", "", "🙂"]
    assert stream.finish() == ""


def test_half_a_character_ends_as_a_replacement_character(codec: TokenCodec) -> None:
    stream = codec.text_stream()
    for token in codec._tokenizer.encode("a🙂").ids[:-1]:
        stream.push(token)
    assert stream.finish() == "\N{REPLACEMENT CHARACTER}"


def test_a_base_model_without_a_template_is_refused(tmp_path: Path, model: LlamaForCausalLM) -> None:
    folder = write_folder(tmp_path, model, template=None)
    with pytest.raises(UnsupportedModel, match="base has no chat template"):
        load_codec(ModelFolder("base", folder))


def test_a_template_in_the_tokenizer_s_configuration_is_found(tmp_path: Path, model: LlamaForCausalLM) -> None:
    folder = write_folder(tmp_path, model, template=None)
    (folder / "tokenizer_config.json").write_text('{"chat_template": [{"name": "default", "template": "x"}]}')
    assert load_codec(ModelFolder("old", folder)).encode([Message("user", "hi")])


def test_a_broken_tokenizer_is_named(tmp_path: Path, tiny_folder: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json is not a tokenizer"):
        load_codec(ModelFolder("broken", tmp_path))


def test_a_folder_without_a_tokenizer_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelUnavailable, match="no tokenizer"):
        load_codec(ModelFolder("bare", tmp_path))


@pytest.mark.parametrize("config", ["{", "[]", '"x"'])
def test_a_broken_configuration_is_named(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelUnavailable, match=r"config\.json"):
        _ = ModelFolder("broken", tmp_path).context_length


def test_a_configuration_without_a_context_length_is_no_model_of_text(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "resnet"}')
    with pytest.raises(UnsupportedModel, match="no context length"):
        _ = ModelFolder("resnet", tmp_path).context_length
