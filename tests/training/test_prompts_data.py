"""The prompts that the injection classifier learns from: complete, in all languages, the same each time."""

import random
import re
from collections import Counter

from tests.training.prompts_data import Prompt, own_prompts

FILLINGS = {"ordinary": 3, "hard": 3, "passages": 3, "attacks": 3}


def prompts(seed: int = 1) -> list[Prompt]:
    return list(own_prompts(random.Random(seed), fillings=FILLINGS))


def test_the_same_seed_gives_the_same_prompts() -> None:
    assert prompts() == prompts()
    assert prompts() != prompts(seed=2)


def test_every_slot_has_a_value() -> None:
    assert {slot for prompt in prompts() for slot in re.findall(r"\{[a-z_]+\}", prompt.text)} == set()


def test_each_language_has_ordinary_prompts_hard_ones_and_attacks() -> None:
    counts = Counter(prompt.source for prompt in prompts())
    assert all(
        counts[f"own-{name}-{language}"] > 50
        for name in ("ordinary", "hard", "attacks")
        for language in ("en", "de", "es", "fr")
    )


def test_no_text_is_both_harmless_and_an_attack() -> None:
    texts = {label: {prompt.text for prompt in prompts() if prompt.label == label} for label in (0, 1)}
    assert texts[0] & texts[1] == set()
