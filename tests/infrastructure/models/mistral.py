"""Folders of Mistral models without weights and without a chat template: what a converted GGUF of old looks like."""

import json
import shutil
from pathlib import Path


def write_sentencepiece_folder(folder: Path, model: Path) -> Path:
    """With SentencePiece's own file, as the oldest models come."""
    shutil.copy(model, folder / "tokenizer.model")
    return _write(folder)


def _write(folder: Path) -> Path:
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
    (folder / "config.json").write_text(json.dumps({"model_type": "mistral", "max_position_embeddings": 32768}))
    return folder
