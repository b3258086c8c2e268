"""Which token comes next: the scores of a model, turned into a choice. Knows no model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling

GREEDY_BELOW = 1e-5
"""Temperatures below it are 0, as in vLLM: scores that are divided by less overflow, and the likeliest token wins
long before that.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """How to choose. temperature 0: the likeliest.

    top_k: only the k likeliest, 0 for all; top_p: only the likeliest that together have this probability (Holtzman et
    al. 2019, arXiv:1904.09751); min_p: only those at least so likely as this part of the likeliest (Nguyen et al. 2024,
    arXiv:2407.01082); repetition_penalty: scores of tokens that were there before are divided by it, or multiplied
    when they are negative (Keskar et al. 2019, arXiv:1909.05858). They apply in this order, after the temperature.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0


def rule_of(defaults: Mapping[str, Any], wanted: Sampling) -> Rule:
    """The rule of one reply: what is wanted, over the model's own generation_config.json."""
    asked = wanted.temperature is not None or wanted.top_p is not None
    samples = asked or bool(defaults.get("do_sample"))
    temperature = wanted.temperature if wanted.temperature is not None else _number(defaults, "temperature", 1.0)
    return Rule(
        temperature=temperature if samples and temperature >= GREEDY_BELOW else 0.0,
        top_k=int(_number(defaults, "top_k", 50)) if samples else 0,  # transformers' own default
        top_p=wanted.top_p if wanted.top_p is not None else _number(defaults, "top_p", 1.0),
        min_p=_number(defaults, "min_p", 0.0),
        repetition_penalty=_number(defaults, "repetition_penalty", 1.0),
    )


def _number(defaults: Mapping[str, Any], key: str, otherwise: float) -> float:
    value = defaults.get(key)
    return float(value) if isinstance(value, int | float) else otherwise


class Sampler:
    """Chooses the tokens of one reply. The same seed and scores give the same tokens."""

    def __init__(self, rule: Rule, seed: int | None) -> None:
        self._rule = rule
        self._generator = torch.Generator()
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def choose(self, scores: torch.Tensor, before: Sequence[int], allowed: bytes | None = None) -> int:
        """The next token after `before`; scores (vocabulary,) float32, `allowed` a byte for each token, 0 for never.

        Raises ModelUnavailable when the scores are no numbers.
        """
        if allowed is not None:
            scores = _masked(scores, allowed)
        if self._rule.repetition_penalty != 1.0:
            scores = _penalised(scores, before, self._rule.repetition_penalty)
        best = int(scores.argmax())
        if not torch.isfinite(scores[best]):
            raise ModelUnavailable("the model failed: its scores are not numbers")
        if self._rule.temperature == 0.0:
            return best
        chances, tokens = self._candidates(scores)
        waits = torch.empty_like(chances).exponential_(generator=self._generator)  # the first to arrive is a fair draw
        return int(tokens[(chances / waits).argmax()])

    def _candidates(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Chances of the tokens that may be drawn, the likeliest first, and the tokens."""
        rule = self._rule
        if 0 < rule.top_k < scores.shape[0]:
            scores, tokens = scores.topk(rule.top_k)
        else:
            scores, tokens = scores.sort(descending=True)
        chances = torch.softmax(scores / rule.temperature, -1)
        if rule.top_p < 1.0:
            chances = chances * (chances.cumsum(-1) - chances < rule.top_p)  # the one that reaches it is in
        if rule.min_p > 0.0:
            chances = chances * (chances >= rule.min_p * chances[0])
        return chances, tokens


def _masked(scores: torch.Tensor, allowed: bytes) -> torch.Tensor:
    may = torch.frombuffer(bytearray(allowed), dtype=torch.uint8)
    forbidden = torch.ones_like(scores, dtype=torch.bool)  # a model may have more scores than there are tokens
    width = min(scores.shape[0], may.shape[0])
    forbidden[:width] = may[:width] == 0
    return scores.masked_fill(forbidden, -torch.inf)


def _penalised(scores: torch.Tensor, before: Sequence[int], penalty: float) -> torch.Tensor:
    seen = torch.tensor(sorted(set(before)))
    held = scores[seen]
    return scores.index_copy(0, seen, torch.where(held < 0, held * penalty, held / penalty))
