"""How well personal data is found: precision and recall by type, and where they fail, by template.

Run from the repository root: `python -m tests.bench.bench_pii_quality FILE`, where FILE holds lines of JSON: `{"text",
"spans": [[start, end, type], ...], "template"}`, offsets in characters. Templates are split in two by a hash: rules may
be tuned on the first half; the second is what counts.

A label counts as found when findings of its type cover at least half of it. A finding counts as right when it touches a
label of its type, or one that is not judged. Not judged: names, organisations, places and titles, which no rule of a
shape can tell; web addresses without a password; dates other than those of birth (the data has one label for all).
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from nexxi_cli.core.types import Finding
from nexxi_cli.wiring import safety_filter

OURS = {
    "CREDIT_CARD": "CARD",
    "PHONE_NUMBER": "PHONE",
    "EMAIL_ADDRESS": "EMAIL",
    "US_SSN": "SSN",
    "IBAN_CODE": "IBAN",
    "US_DRIVER_LICENSE": "DRIVER_LICENSE",
    "IP_ADDRESS": "IP",
    "ADDRESS": "ADDRESS",
}
NOT_JUDGED = frozenset(
    ("PERSON", "LOCATION", "ORGANIZATION", "TITLE", "PREFIX", "DOMAIN_NAME", "DATE_TIME", "GPE", "NRP")
)

Span = tuple[int, int, str]


def is_held_out(template: object) -> bool:
    """Half of the templates, always the same."""
    return sha256(str(template).encode()).digest()[0] % 2 == 1


def covered(span: Span, findings: Sequence[Finding]) -> float:
    """The share of a label that findings of any type cover."""
    start, end, _ = span
    return sum(max(0, min(end, f.end) - max(start, f.start)) for f in findings) / (end - start)


class Counts:
    """Labels found and missed, findings right and wrong, by type."""

    def __init__(self) -> None:
        self.found, self.labels, self.right, self.findings = (
            Counter[str](),
            Counter[str](),
            Counter[str](),
            Counter[str](),
        )
        self.confused: Counter[tuple[str, str]] = Counter()
        self.failures: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, text: str, spans: Sequence[Span], findings: Sequence[Finding], template: object) -> None:
        """Judge one text."""
        for span in spans:
            kind = OURS.get(span[2])
            if kind is None:
                continue
            same = [finding for finding in findings if finding.type == kind]
            self.labels[kind] += 1
            if covered(span, same) >= 0.5:
                self.found[kind] += 1
            else:
                others = {finding.type for finding in findings if covered(span, [finding]) > 0} - {kind}
                self.confused[kind, ",".join(sorted(others)) or "nothing"] += 1
                self.failures[kind][f"missed, {template}: {text[span[0] : span[1]]!r}"] += 1
        for finding in findings:
            touched = {label for start, end, label in spans if start < finding.end and finding.start < end}
            self.findings[finding.type] += 1
            if any(OURS.get(label) == finding.type or label in NOT_JUDGED for label in touched):
                self.right[finding.type] += 1
            else:
                truth = ",".join(sorted(OURS.get(label, label) for label in touched)) or "nothing"
                self.confused[truth, finding.type] += 1
                self.failures[finding.type][f"wrong, {template}: {text[finding.start : finding.end]!r}"] += 1

    def lines(self) -> Iterator[str]:
        """The table."""
        yield f"{'type':16} {'labels':>7} {'recall':>7} {'findings':>9} {'precision':>9}"
        for kind in sorted(self.labels | self.findings):
            yield self._line(kind, (kind,))
        yield self._line("all", tuple(self.labels | self.findings))
        yield self._line("all but ADDRESS", tuple(set(self.labels | self.findings) - {"ADDRESS"}))

    def _line(self, name: str, kinds: Sequence[str]) -> str:
        found, labels, right, findings = (
            sum(counter[kind] for kind in kinds) for counter in (self.found, self.labels, self.right, self.findings)
        )
        recall = f"{found / labels:.3f}" if labels else "-"
        precision = f"{right / findings:.3f}" if findings else "-"
        return f"{name:16} {labels:7} {recall:>7} {findings:9} {precision:>9}"


def main() -> None:
    """Print the tables of both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--failures", type=int, default=5, help="how many of each type to show")
    arguments = parser.parse_args()
    safety = safety_filter()
    halves = {False: Counts(), True: Counts()}
    for line in arguments.file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        verdict = safety.check(row["text"])
        spans = [(start, end, label) for start, end, label in row["spans"]]
        halves[is_held_out(row["template"])].add(row["text"], spans, verdict.findings, row["template"])
    for held_out, counts in halves.items():
        print(f"\n{'held out' if held_out else 'for tuning'}")
        print(*counts.lines(), sep="\n")
        print("\ntruth -> said")
        for (truth, said), number in counts.confused.most_common():
            print(f"{number:5}  {truth} -> {said}")
        print()
        for kind, failures in sorted(counts.failures.items()):
            for failure, number in failures.most_common(arguments.failures):
                print(f"{kind:16} {number:4}  {failure[:150]}")


if __name__ == "__main__":
    main()
