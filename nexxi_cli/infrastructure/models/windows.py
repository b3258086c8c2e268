"""WindowScorer: the scores of a text of any length, window by window, by transformers on the CPU."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tokenizers import Encoding, Tokenizer
from transformers import AutoModelForSequenceClassification

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.pretrained import first_line, read_model
from nexxi_cli.infrastructure.models.tokens import load_tokenizer

WINDOW_TOKENS = 512
"""The longest window, special tokens included: what most classifiers are trained on."""
OVERLAP = 8
"""A window shares this part of it, an eighth, with the one before: what stands at an edge is seen whole by one."""
KEPT_POSITIONS = 2
"""RoBERTa and its kin count positions from 2 on, and take so many tokens fewer than their configuration says."""


class WindowScorer:
    """One model in memory. Use it from one thread at a time."""

    def __init__(self, model: Any, tokenizer: Tokenizer, labels: Sequence[str], *, window_tokens: int) -> None:
        """A model whose configuration names no kind of problem is taken as transformers' pipelines take it."""
        self.labels = tuple(labels)
        self._model = model
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(window_tokens, stride=window_tokens // OVERLAP)
        kind = model.config.problem_type
        if kind is None:
            kind = "single_label_classification" if len(self.labels) > 1 else "multi_label_classification"
        self._labels_exclude_each_other = kind == "single_label_classification"

    @classmethod
    def load(cls, folder: ModelFolder) -> "WindowScorer":
        """Read tokenizer and weights. Raises ModelUnavailable and UnsupportedModel."""
        labels = folder.labels
        if folder.config.get("problem_type") == "regression":
            raise UnsupportedModel(
                f"{folder.name} computes numbers (problem_type regression): its scores have no bounds"
            )
        tokenizer = load_tokenizer(folder)
        room = min(folder.context_length - KEPT_POSITIONS, WINDOW_TOKENS)
        model = read_model(AutoModelForSequenceClassification, folder, torch.float32)
        return cls(model.eval(), tokenizer, labels, window_tokens=room)

    def scores(self, text: str, *, stop: threading.Event) -> Mapping[str, float]:
        """The highest score of any window, by label. Raises ModelUnavailable when the model fails or is to `stop`."""
        encoding = self._tokenizer.encode(text.encode("utf-8", "replace").decode())  # half a surrogate pair is no text
        highest = torch.zeros(len(self.labels))
        try:
            with torch.inference_mode():
                for window in (encoding, *encoding.overflowing):  # one at a time: it bounds memory, nothing is padded
                    if stop.is_set():
                        raise ModelUnavailable("moderation_model: it was closed before it had read all of the text")
                    highest = torch.maximum(highest, self._probabilities(window))
        except (RuntimeError, IndexError) as error:  # torch's own, out of memory among them
            raise ModelUnavailable(f"moderation_model: it failed: {first_line(error)}") from error
        return dict(zip(self.labels, highest.tolist(), strict=True))

    def _probabilities(self, window: Encoding) -> torch.Tensor:
        logits = self._model(input_ids=torch.tensor([window.ids])).logits[0]  # (labels)
        return torch.softmax(logits, dim=-1) if self._labels_exclude_each_other else torch.sigmoid(logits)
