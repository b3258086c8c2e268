"""Tiny models, written once."""

from pathlib import Path

import pytest
from transformers import LlamaForCausalLM

from tests.infrastructure.models.progress import RecordedProgress
from tests.infrastructure.models.tiny import tiny_model, write_folder, write_gguf


@pytest.fixture(scope="session")
def model() -> LlamaForCausalLM:
    return tiny_model()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, model: LlamaForCausalLM) -> Path:
    return write_folder(tmp_path_factory.mktemp("tiny") / "folder", model)


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory, model: LlamaForCausalLM) -> Path:
    return write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", model)


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()
