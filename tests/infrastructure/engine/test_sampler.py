"""Sampling against its definitions: what is drawn, and how often (chi-squared, fixed seeds)."""

import numpy as np
import pytest

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine.checkpoint import Floats
from nexxi_cli.infrastructure.engine.sampler import Rule, Sampler, rule_of

CHANCES = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
SCORES = (np.log(CHANCES) + 3.0).astype(np.float32)
DRAWS = 4000


def drawn(rule: Rule, scores: Floats = SCORES, before: tuple[int, ...] = (0,)) -> Floats:
    """How often each token came."""
    sampler = Sampler(rule, seed=11)
    tokens = [sampler.choose(scores, before) for _ in range(DRAWS)]
    return np.bincount(tokens, minlength=len(scores)).astype(np.float32)


def expected(rule: Rule, scores: Floats = SCORES) -> Floats:
    """The distribution by the definitions, token by token."""
    chances = np.exp(scores / rule.temperature)
    chances /= chances.sum()
    order = np.argsort(chances)[::-1].tolist()
    allowed = order[: rule.top_k] if rule.top_k else order
    total = sum(float(chances[token]) for token in allowed)
    nucleus, reached = [], 0.0
    for token in allowed:
        if reached < rule.top_p:
            nucleus.append(token)
        reached += float(chances[token]) / total
    least = rule.min_p * max(float(chances[token]) for token in nucleus)
    kept = np.zeros_like(chances)
    for token in nucleus:
        if chances[token] >= least:
            kept[token] = chances[token]
    return kept / kept.sum()


@pytest.mark.parametrize(
    "rule",
    [
        Rule(temperature=1.0),
        Rule(temperature=0.5),
        Rule(temperature=2.0),
        Rule(temperature=1.0, top_k=3),
        Rule(temperature=1.0, top_p=0.7),
        Rule(temperature=1.0, top_p=0.01),
        Rule(temperature=1.0, min_p=0.3),
        Rule(temperature=1.5, top_k=5, top_p=0.9, min_p=0.2),
    ],
    ids=str,
)
def test_tokens_come_as_often_as_the_definition_says(rule: Rule) -> None:
    counts, chances = drawn(rule), expected(rule)
    assert counts[chances == 0].sum() == 0
    wanted = chances[chances > 0] * DRAWS
    surprise = ((counts[chances > 0] - wanted) ** 2 / wanted).sum().item()
    assert surprise < 25  # chi-squared with 5 degrees of freedom: one in 7,000 seeds lies above


def test_temperature_zero_takes_the_likeliest() -> None:
    assert drawn(Rule(temperature=0.0)).tolist() == [DRAWS, 0, 0, 0, 0, 0]


def test_the_penalty_divides_what_is_positive_and_multiplies_what_is_negative() -> None:
    sampler = Sampler(Rule(repetition_penalty=2.0), seed=None)
    assert sampler.choose(np.array([3.0, 2.0, 1.0], np.float32), [0]) == 1
    assert sampler.choose(np.array([-1.0, -1.5, -3.0], np.float32), [0, 0]) == 1
    assert sampler.choose(np.array([3.0, 2.0, 1.0], np.float32), [2]) == 0


def test_what_may_not_come_is_never_drawn() -> None:
    sampler = Sampler(Rule(temperature=1.0), seed=3)
    assert {sampler.choose(SCORES, [0], b"\0\1\0\1") for _ in range(200)} == {1, 3}


def test_a_seed_repeats_and_another_differs() -> None:
    def series(seed: int | None) -> list[int]:
        sampler = Sampler(Rule(temperature=1.0), seed)
        return [sampler.choose(SCORES, [0]) for _ in range(50)]

    assert series(4) == series(4) != series(5)
    assert series(None) != series(None)


@pytest.mark.parametrize("rule", [Rule(), Rule(temperature=1.0)])
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_end_the_reply(rule: Rule, broken: float) -> None:
    with pytest.raises(ModelUnavailable, match="not numbers"):
        Sampler(rule, 1).choose(np.array([0.0, broken, 1.0], np.float32), [0])


@pytest.mark.parametrize(
    ("defaults", "wanted", "rule"),
    [
        ({}, Sampling(), Rule()),
        ({"do_sample": True}, Sampling(), Rule(temperature=1.0, top_k=50)),
        ({"do_sample": True, "temperature": 0.6, "top_k": 20}, Sampling(), Rule(temperature=0.6, top_k=20)),
        ({"do_sample": True, "temperature": 0.6}, Sampling(temperature=0), Rule()),
        ({"do_sample": True, "top_p": 0.9}, Sampling(temperature=1e-6), Rule(top_p=0.9)),
        ({}, Sampling(temperature=0.7), Rule(temperature=0.7, top_k=50)),
        ({}, Sampling(top_p=0.5), Rule(temperature=1.0, top_k=50, top_p=0.5)),
        ({"repetition_penalty": 1.1, "min_p": 0.1}, Sampling(), Rule(min_p=0.1, repetition_penalty=1.1)),
        ({"temperature": None, "top_p": "all"}, Sampling(temperature=1.0), Rule(temperature=1.0, top_k=50)),
    ],
)
def test_what_is_wanted_goes_over_the_model_s_own(defaults: dict[str, object], wanted: Sampling, rule: Rule) -> None:
    found = rule_of(defaults, wanted)
    assert found == rule if rule.temperature else found.temperature == 0
