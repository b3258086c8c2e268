"""Logistic regression over the windows of texts, of which the most suspicious one counts. Knows no source of texts.

One thread, float64, a convex loss and a fixed seed: the same texts give the same weights.
"""

import random
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch

from nexxi_cli.infrastructure.injection.features import BUCKETS, WORD_BUCKETS, blocks, fold, spans, tokens
from nexxi_cli.infrastructure.injection.weights import Weights

SEED = 3
L2 = 1e-6
CONCEPT_EMPHASIS = 2.0
ROUNDS = 4
STEPS = 70
WORST_WINDOWS = 3
"""So many windows of a harmless text count as the most suspicious ones, and have half of its share."""
OTHER_WINDOWS = 3
"""So many others, by chance, have the other half."""

_EMPHASIS = np.where(np.arange(BUCKETS) < WORD_BUCKETS, 1.0, CONCEPT_EMPHASIS)


@dataclass(frozen=True, slots=True)
class Windows:
    """Every window of some texts. The features of a window lie side by side in `features`."""

    features: np.ndarray  # (F,)
    starts: np.ndarray  # (W,) where the features of a window begin
    ends: np.ndarray  # (W,)
    of_text: tuple[range, ...]
    """Which windows belong to a text, the longest last."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Windows":
        """The windows of texts, in their order."""
        parts: list[np.ndarray] = []
        edges = [0]
        starts: list[int] = []
        ends: list[int] = []
        of_text: list[range] = []
        for text in texts:
            found = blocks(tokens(fold(text)))
            first, before = len(edges) - 1, len(starts)
            for block in found:
                parts.append(np.fromiter(sorted(block), np.int64, len(block)))
                edges.append(edges[-1] + len(block))
            for start, end in spans(len(found)):
                starts.append(edges[first + start])
                ends.append(edges[first + end])
            of_text.append(range(before, len(starts)))
        return cls(np.concatenate(parts), np.array(starts), np.array(ends), tuple(of_text))

    def logits(self, table: np.ndarray, bias: float) -> np.ndarray:
        """What these weights say of each window.  # (W,)"""
        sums = np.concatenate([[0.0], np.cumsum(table[self.features])])
        return (sums[self.ends] - sums[self.starts]) / np.sqrt(np.maximum(self.ends - self.starts, 1)) + bias


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text to learn from: its number among the windows' texts, its label, and how much it weighs."""

    text: int
    label: int
    share: float


def fit(windows: Windows, lessons: Sequence[Lesson], *, decision: float) -> Weights:
    """The weights of least loss; `decision` is the probability that becomes a score of 0.5."""
    rng = random.Random(SEED)
    table, bias = np.zeros(BUCKETS), 0.0
    for round_ in range(ROUNDS):
        logits = windows.logits(table, bias) if round_ else None
        chosen = [one for lesson in lessons for one in _chosen(windows.of_text[lesson.text], lesson, logits, rng)]
        table, bias = _solved(windows, chosen, table, bias)
    return Weights(table.tolist(), bias - log(decision / (1 - decision)))


def _chosen(
    mine: range, lesson: Lesson, logits: np.ndarray | None, rng: random.Random
) -> Iterable[tuple[int, int, float]]:
    """The windows of a text that count: number, label, share."""
    # before anything is known, the longest window stands for the text
    order = [mine[-1]] if logits is None else mine.start + np.argsort(-logits[mine.start : mine.stop], kind="stable")
    if lesson.label or len(mine) == 1:
        yield int(order[0]), lesson.label, lesson.share
        return
    for half in (order[:WORST_WINDOWS], rng.sample(mine, min(OTHER_WINDOWS, len(mine)))):
        yield from ((int(window), 0, lesson.share / 2 / len(half)) for window in half)


def _solved(
    windows: Windows, chosen: Sequence[tuple[int, int, float]], table: np.ndarray, bias: float
) -> tuple[np.ndarray, float]:
    """The table and bias of least loss, from where the last round ended. L-BFGS."""
    which = np.array([window for window, _, _ in chosen])
    starts, ends = windows.starts[which], windows.ends[which]
    places = np.concatenate([np.arange(start, end) for start, end in zip(starts, ends, strict=True)])
    used, columns = np.unique(windows.features[places], return_inverse=True)
    sizes = ends - starts
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes) * _EMPHASIS[used][columns]
    matrix, transposed = _sparse(np.repeat(np.arange(len(which)), sizes), columns, values, (len(which), len(used)))
    sign = torch.tensor([2.0 * label - 1 for _, label, _ in chosen], dtype=torch.float64)
    share = torch.tensor([part for _, _, part in chosen], dtype=torch.float64)
    share = share / share.sum()
    begin = np.append(table[used] / _EMPHASIS[used], bias)
    point = torch.from_numpy(begin).clone().requires_grad_(requires_grad=True)
    solver = torch.optim.LBFGS(
        [point], max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe", tolerance_grad=1e-7
    )

    def loss() -> float:
        now = point.detach()
        margin = sign * ((matrix @ now[:-1].unsqueeze(1)).squeeze(1) + now[-1])
        slope = -share * sign * torch.sigmoid(-margin)
        point.grad = torch.cat([(transposed @ slope.unsqueeze(1)).squeeze(1) + L2 * now[:-1], slope.sum().unsqueeze(0)])
        return float((share * torch.nn.functional.softplus(-margin)).sum() + L2 / 2 * (now[:-1] ** 2).sum())

    solver.step(loss)
    solved = point.detach().numpy()
    whole = np.zeros(BUCKETS)
    whole[used] = solved[:-1] * _EMPHASIS[used]
    return whole, float(solved[-1])


def _sparse(
    rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """A sparse matrix and its transpose."""
    at = torch.from_numpy(np.stack([rows, columns]))
    coordinates = torch.sparse_coo_tensor(at, torch.from_numpy(values), shape, check_invariants=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return coordinates.to_sparse_csr(), coordinates.t().to_sparse_csr()
