"""A model as it lies on the disk: config.json, tokenizer, chat template, safetensors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel

CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
"""Where the configurations of transformers' models state the context length, newest spelling first."""


@dataclass(frozen=True)
class ModelFolder:
    """One model, ready to be loaded. `name` is what the user called it."""

    name: str
    path: Path

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """config.json. Raises ModelUnavailable when it is missing or broken."""
        config = self._json("config.json")
        if config is None:
            raise ModelUnavailable(f"{self.path} holds no model: there is no config.json")
        return config

    @property
    def context_length(self) -> int:
        """Longest prompt and reply together, in tokens. Raises UnsupportedModel when the configuration has none."""
        text_config = self.config.get("text_config") or self.config
        for key in CONTEXT_KEYS:
            value = text_config.get(key)
            if isinstance(value, int) and value > 0:
                return value
        raise UnsupportedModel(f"{self.name}: config.json states no context length, so it is no text model we can run")

    @property
    def labels(self) -> tuple[str, ...]:
        """What the outputs of a text classifier are called, in order. Raises UnsupportedModel for another model."""
        kinds = self.config.get("architectures") or ()
        if not any(str(kind).endswith("ForSequenceClassification") for kind in kinds):
            raise UnsupportedModel(
                f"{self.name} is no text classifier, but a {', '.join(map(str, kinds)) or 'bare model'}"
            )
        named = self.config.get("id2label")
        if not isinstance(named, dict):
            return ("LABEL_0", "LABEL_1")  # transformers' PretrainedConfig leaves out what is its default
        try:
            return tuple(str(named[number]) for number in sorted(named, key=int))
        except ValueError as error:
            raise ModelUnavailable(f"{self.path / 'config.json'}: id2label should have numbers as its keys") from error

    @cached_property
    def generation_config(self) -> Mapping[str, Any]:
        """generation_config.json, empty when there is none. Raises ModelUnavailable when it is broken."""
        return self._json("generation_config.json") or {}

    @cached_property
    def chat_template(self) -> str | None:
        """The model's own template (Jinja), or None."""
        file = self.path / "chat_template.jinja"
        if file.is_file():
            return file.read_text(encoding="utf-8")
        template = self._tokenizer_config.get("chat_template")
        if isinstance(template, list):  # several, by name: transformers' older way
            named = {entry["name"]: entry["template"] for entry in template}
            template = named.get("default")
        return template if isinstance(template, str) else None

    def special_token(self, key: str) -> str:
        """The text of `bos_token`, `eos_token` and the like; empty when the model has none."""
        token = self._tokenizer_config.get(key)
        if isinstance(token, dict):
            token = token.get("content")
        return token if isinstance(token, str) else ""

    @cached_property
    def _tokenizer_config(self) -> Mapping[str, Any]:
        return self._json("tokenizer_config.json") or {}

    def _json(self, file: str) -> Mapping[str, Any] | None:
        try:
            document = json.loads((self.path / file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ModelUnavailable(f"{self.path / file} cannot be read: {error}") from error
        if not isinstance(document, dict):
            raise ModelUnavailable(f"{self.path / file} is not a JSON object")
        return document
