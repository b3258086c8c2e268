"""What the injection layer blocks, by source, and its speed: `python -m tests.bench.bench_injection --data PATH`.

PATH is JSON lines of {text, label, source}, 1 for an attack, or a folder with injection/dev.jsonl. The weights that
ship were trained on that file: its figures show where the layer fails, not how well it does on texts it has never
seen. For those see `python -m tests.training.train_injection --data FOLDER --held-out`, or give another PATH.
"""

import argparse
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

from nexxi_cli.service.safety import SafetyFilter
from nexxi_cli.wiring import safety_filter

LENGTHS = (100, 1_000, 10_000)
TEXTS_A_LENGTH = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--failures", type=int, default=0, help="show so many wrong texts of each source")
    arguments = parser.parse_args()
    rows = list(labelled(arguments.data))
    safety = safety_filter(html="redact", pii="off")
    table(safety, rows, failures=arguments.failures)
    timing(safety, [text for text, label, _ in rows if not label])


def labelled(path: Path) -> Iterator[tuple[str, int, str]]:
    file = path / "injection" / "dev.jsonl" if path.is_dir() else path
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["text"], row["label"], row["source"]


def table(safety: SafetyFilter, rows: list[tuple[str, int, str]], *, failures: int) -> None:
    blocked: dict[tuple[int, str], int] = defaultdict(int)
    total: dict[tuple[int, str], int] = defaultdict(int)
    by_rule: dict[str, int] = defaultdict(int)
    wrong: dict[tuple[int, str], list[str]] = defaultdict(list)
    for text, label, source in rows:
        verdict = safety.check(text)
        total[label, source] += 1
        blocked[label, source] += not verdict.allowed
        for reason in verdict.reasons:
            by_rule[re.sub(r" [01]\.\d\d", "", reason.removeprefix("injection: "))] += 1
        if verdict.allowed == bool(label):
            wrong[label, source].append(f"{verdict.scores['injection']:.2f} {text[:150]!r}")
    print(f"{'':10}{'source':24}{'texts':>7}{'blocked':>9}{'rate':>9}")
    for key in sorted(total):
        kind = "attack" if key[0] else "harmless"
        print(f"{kind:10}{key[1]:24}{total[key]:7}{blocked[key]:9}{blocked[key] / total[key]:9.1%}")
        for example in wrong[key][:failures]:
            print(f"    {example}")
    for label, kind in ((0, "harmless"), (1, "attack")):
        texts = sum(count for key, count in total.items() if key[0] == label)
        rate = sum(count for key, count in blocked.items() if key[0] == label) / max(texts, 1)
        print(f"{kind:10}{'all':24}{texts:7}{'':9}{rate:9.1%}")
    print("\nreasons:", ", ".join(f"{count} {rule}" for rule, count in sorted(by_rule.items())))


def timing(safety: SafetyFilter, texts: list[str]) -> None:
    rng = random.Random(1)
    rng.shuffle(texts)
    corpus = " ".join(texts)
    print(f"\n{'characters':>10}{'p50 ms':>9}{'p99 ms':>9}")
    for length in LENGTHS:
        took = []
        for _ in range(TEXTS_A_LENGTH):
            start = rng.randrange(max(len(corpus) - length, 1))
            began = time.perf_counter()
            safety.check(corpus[start : start + length])
            took.append((time.perf_counter() - began) * 1000)
        steps = quantiles(took, n=100)
        print(f"{length:10,}{steps[49]:9.2f}{steps[98]:9.2f}")


if __name__ == "__main__":
    main()
