"""Small random models of each family, by transformers, and what they say."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PretrainedConfig, Qwen2Config, Qwen3Config

from nexxi_cli.infrastructure.engine.checkpoint import Checkpoint, Quantise
from nexxi_cli.infrastructure.engine.llama import Llama
from nexxi_cli.infrastructure.engine.shape import shape_of
from nexxi_cli.infrastructure.engine.weights import load_llama

VOCABULARY = 96
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3: dict[str, Any] = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
FAMILIES: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**SIZES),
    "llama_tied": LlamaConfig(**SIZES, tie_word_embeddings=True),
    "llama_with_biases": LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True),
    "llama3": LlamaConfig(**SIZES, rope_parameters=LLAMA3),
    "linear": LlamaConfig(**SIZES, rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 4.0}),
    "mistral": MistralConfig(**SIZES, sliding_window=None),
    "mistral_that_slides": MistralConfig(**SIZES, sliding_window=8),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES, head_dim=32),
}


def make(config: PretrainedConfig, folder: Path, *, seed: int = 0) -> Any:
    """A model of random weights, biases and norms among them, as transformers saves it."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(std=0.3)
            elif "norm" in name:
                weight.add_(torch.randn_like(weight) * 0.3)
    model.save_pretrained(folder)
    return model


def engine_model(folder: Path, kind: Quantise = "f32") -> Llama:
    return load_llama(checkpoint(folder), kind, threads=torch.get_num_threads(), packs=None)


def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(folder, shape_of(json.loads((folder / "config.json").read_text())))


def scores(model: Any, tokens: Sequence[int]) -> torch.Tensor:
    """What transformers says comes after `tokens`, (vocabulary,)."""
    with torch.inference_mode():
        found: torch.Tensor = model(torch.tensor([list(tokens)])).logits[0, -1]
    return found
