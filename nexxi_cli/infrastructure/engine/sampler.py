"""Which token comes next: the scores of a model, turned into a choice. Knows no model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine.checkpoint import Floats

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
        self._random = Random(seed)  # noqa: S311 - no secret is made of it

    def choose(self, scores: Floats, before: Sequence[int], allowed: bytes | None = None) -> int:
        """The next token after `before`; scores (vocabulary,), `allowed` a byte for each token, 0 for never.

        Raises ModelUnavailable when the scores are no numbers.
        """
        if allowed is not None:
            scores = _masked(scores, allowed)
        if self._rule.repetition_penalty != 1.0:
            scores = _penalised(scores, before, self._rule.repetition_penalty)
        best = int(scores.argmax())
        if not math.isfinite(scores[best]):
            raise ModelUnavailable("the model failed: its scores are not numbers")
        if self._rule.temperature == 0.0:
            return best
        chances, tokens = self._candidates(scores)
        reached = chances.cumsum()
        return int(tokens[reached.searchsorted(self._random.random() * reached[-1], side="right")])

    def _candidates(self, scores: Floats) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Chances of the tokens that may be drawn, the likeliest first, and the tokens."""
        rule = self._rule
        if 0 < rule.top_k < len(scores):
            tokens = np.argpartition(scores, -rule.top_k)[-rule.top_k :]
            tokens = tokens[np.argsort(scores[tokens])[::-1]]
        else:
            tokens = np.argsort(scores)[::-1]
        scores = scores[tokens]
        chances = np.exp((scores - scores[0]) / rule.temperature).astype(np.float64)
        chances /= chances.sum()
        if rule.top_p < 1.0:
            chances *= chances.cumsum() - chances < rule.top_p  # the one that reaches it is in
        if rule.min_p > 0.0:
            chances *= chances >= rule.min_p * chances[0]
        return chances, tokens


def _masked(scores: Floats, allowed: bytes) -> Floats:
    may = np.frombuffer(allowed, np.uint8)[: len(scores)] != 0
    masked = np.full_like(scores, -np.inf)  # a model may have more scores than there are tokens
    np.copyto(masked[: len(may)], scores[: len(may)], where=may)
    return masked


def _penalised(scores: Floats, before: Sequence[int], penalty: float) -> Floats:
    seen, scores = list(set(before)), scores.copy()
    held = scores[seen]
    scores[seen] = np.where(held < 0, held * penalty, held / penalty)
    return scores
