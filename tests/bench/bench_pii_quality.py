"""How well personal data is found: precision and recall by type, and where they fail, by template.

Run from the repository root: `python -m tests.bench.bench_pii_quality FILES`. A file, which is a source of its own in
the tables, holds lines of JSON: `{"text", "spans": [[start, end, type], ...], "template"}`, offsets in characters.
Templates are split in two by a hash: rules may be tuned, and the tagger of names is trained, on the first half; the
second is what counts. Of texts without a template, a fifth is held out.

A label counts as found when findings of its type cover at least half of it. A finding counts as right when it touches a
label of its type, or one that is not judged. Not judged: titles; web addresses without a password; dates other than
those of birth (the data has one label for all), ages, relatives and numbers of patients; people, organisations and
places, unless `--names` has the tagger look for them. Then, as addresses are full of places, one of these types or
ADDRESS in the place of another counts as right. The character figures take a label for found where a finding of any
type covers it.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from nexxi_cli.core.types import NAME_TYPES, Finding
from nexxi_cli.wiring import redaction_filter

OURS = {
    "CREDIT_CARD": "CARD",
    "PHONE_NUMBER": "PHONE",
    "EMAIL_ADDRESS": "EMAIL",
    "US_SSN": "SSN",
    "IBAN_CODE": "IBAN",
    "US_DRIVER_LICENSE": "DRIVER_LICENSE",
    "IP_ADDRESS": "IP",
    "ADDRESS": "ADDRESS",
    "CALLE": "ADDRESS",
    "CORREO_ELECTRONICO": "EMAIL",
    "NUMERO_TELEFONO": "PHONE",
    "NUMERO_FAX": "PHONE",
}
"""Our types of the labels of presidio-research and of MEDDOCAN."""

NAMES = {
    "PERSON": "PERSON",
    "LOCATION": "LOCATION",
    "ORGANIZATION": "ORGANIZATION",
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON",
    "NOMBRE_PERSONAL_SANITARIO": "PERSON",
    "TERRITORIO": "LOCATION",
    "PAIS": "LOCATION",
    "HOSPITAL": "ORGANIZATION",
    "INSTITUCION": "ORGANIZATION",
    "CENTRO_SALUD": "ORGANIZATION",
}
NOT_JUDGED = frozenset(
    (
        *("TITLE", "PREFIX", "DOMAIN_NAME", "DATE_TIME", "GPE", "NRP", "FECHAS", "EDAD_SUJETO_ASISTENCIA"),
        *("SEXO_SUJETO_ASISTENCIA", "ID_SUJETO_ASISTENCIA", "ID_TITULACION_PERSONAL_SANITARIO", "ID_ASEGURAMIENTO"),
        *("ID_CONTACTO_ASISTENCIAL", "FAMILIARES_SUJETO_ASISTENCIA", "OTROS_SUJETO_ASISTENCIA", "PROFESION"),
    )
)

Span = tuple[int, int, str]


def is_held_out(row: Mapping[str, object]) -> bool:
    """Half of the templates, or a fifth of the texts that have none; always the same."""
    template = row.get("template")
    if template is None:
        return sha256(str(row["text"]).encode()).digest()[0] % 5 == 1
    return sha256(str(template).encode()).digest()[0] % 2 == 1


def covered(span: Span, findings: Sequence[Finding]) -> float:
    """The share of a label that findings of any type cover."""
    start, end, _ = span
    return sum(max(0, min(end, f.end) - max(start, f.start)) for f in findings) / (end - start)


class Counts:
    """Labels found and missed, findings right and wrong, by type."""

    def __init__(self, ours: Mapping[str, str]) -> None:
        """`ours`: our types of the labels that are judged."""
        self._ours = ours
        self._ignored = NOT_JUDGED | (NAMES.keys() - ours.keys())
        self._alike = NAME_TYPES | {"ADDRESS"} if "PERSON" in ours else frozenset[str]()
        self.chars: Counter[str] = Counter()
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
            kind = self._ours.get(span[2])
            if kind is None:
                continue
            same = [finding for finding in findings if self._is_right(finding.type, kind)]
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
            if any(label in self._ignored or self._is_right(finding.type, self._ours.get(label)) for label in touched):
                self.right[finding.type] += 1
            else:
                truth = ",".join(sorted(self._ours.get(label, label) for label in touched)) or "nothing"
                self.confused[truth, finding.type] += 1
                self.failures[finding.type][f"wrong, {template}: {text[finding.start : finding.end]!r}"] += 1

        self._add_chars(len(text), spans, findings)

    def _is_right(self, said: str, truth: str | None) -> bool:
        return said == truth or {said, truth} <= self._alike

    def _add_chars(self, length: int, spans: Sequence[Span], findings: Sequence[Finding]) -> None:
        truth, said = [""] * length, [False] * length
        for start, end, label in spans:
            truth[start:end] = [label] * (end - start)
        for finding in findings:
            said[finding.start : finding.end] = [True] * (finding.end - finding.start)
        for label, is_found in zip(truth, said, strict=True):
            if label not in self._ignored:
                self.chars["right" if label and is_found else "missed" if label else "wrong" if is_found else ""] += 1

    def lines(self) -> Iterator[str]:
        """The table."""
        yield f"{'type':16} {'labels':>7} {'recall':>7} {'findings':>9} {'precision':>9}"
        for kind in sorted(self.labels | self.findings):
            yield self._line(kind, (kind,))
        yield self._line("all", tuple(self.labels | self.findings))
        yield self._line("all but ADDRESS", tuple(set(self.labels | self.findings) - {"ADDRESS"}))
        if self._alike:
            yield self._line("names", tuple(NAME_TYPES))
        right = self.chars["right"]
        precision, recall = right / (right + self.chars["wrong"]), right / (right + self.chars["missed"])
        f2 = 5 * precision * recall / (4 * precision + recall)
        yield f"characters: recall {recall:.3f}, precision {precision:.3f}, F2 {f2:.3f}"

    def _line(self, name: str, kinds: Sequence[str]) -> str:
        found, labels, right, findings = (
            sum(counter[kind] for kind in kinds) for counter in (self.found, self.labels, self.right, self.findings)
        )
        recall = f"{found / labels:.3f}" if labels else "-"
        precision = f"{right / findings:.3f}" if findings else "-"
        return f"{name:16} {labels:7} {recall:>7} {findings:9} {precision:>9}"


def confusion_table(by_source: Mapping[str, Counter[tuple[str, str]]]) -> Iterator[str]:
    """What was taken for what, the most frequent first, with a column for each source."""
    total = sum(by_source.values(), Counter[tuple[str, str]]())
    yield f"{'truth -> said':44}" + "".join(f" {source:>20}" for source in by_source)
    for pair, _ in total.most_common():
        yield f"{' -> '.join(pair):44}" + "".join(f" {confused[pair]:20}" for confused in by_source.values())


def main() -> None:
    """Print the tables of both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--failures", type=int, default=5, help="how many of each type to show")
    parser.add_argument("--names", action="store_true", help="with the tagger of names")
    arguments = parser.parse_args()
    safety = redaction_filter(names=arguments.names)
    ours = OURS | NAMES if arguments.names else OURS
    parts = {(held_out, file.stem): Counts(ours) for held_out in (False, True) for file in arguments.files}
    for file in arguments.files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            spans = [(start, end, label) for start, end, label in row["spans"]]
            findings = safety.check(row["text"]).findings
            parts[is_held_out(row), file.stem].add(row["text"], spans, findings, row.get("template"))
    for (held_out, source), counts in parts.items():
        print(f"\n{source}, {'held out' if held_out else 'for tuning'}")
        print(*counts.lines(), sep="\n")
        for kind, failures in sorted(counts.failures.items()):
            for failure, number in failures.most_common(arguments.failures):
                print(f"{kind:16} {number:4}  {failure[:150]}")
    for held_out in (False, True):
        print(f"\nconfusions, {'held out' if held_out else 'for tuning'}")
        print(*confusion_table({source: parts[held_out, source].confused for half, source in parts}), sep="\n")


if __name__ == "__main__":
    main()
