"""What the training of the tagger reads of the development data: labelled texts, and words that are no names."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from nexxi_cli.infrastructure.names.tagger import LABELS
from nexxi_cli.infrastructure.names.tokens import Tokens
from tests.bench.bench_pii_quality import is_held_out
from tests.training.names_lists import lists_of
from tests.training.names_texts import Labelled, templates

LABEL_OF = {
    **{label: label for label in LABELS[1:]},
    **dict.fromkeys(("NOMBRE_SUJETO_ASISTENCIA", "NOMBRE_PERSONAL_SANITARIO"), "PERSON"),
    **dict.fromkeys(("HOSPITAL", "INSTITUCION", "CENTRO_SALUD"), "ORGANIZATION"),
    **dict.fromkeys(("TERRITORIO", "PAIS"), "LOCATION"),
    "CALLE": "ADDRESS",
}


def group_of(template: str) -> str:
    """The number of a template of presidio_en: l12 and s12 are the same sentence."""
    return template[1:]


def presidio(folder: Path, *, held_out: bool) -> list[Labelled]:
    """Texts of presidio_en; for training those only of which no twin is held out."""
    rows = [json.loads(line) for line in (folder / "pii/presidio_en.jsonl").read_bytes().splitlines()]
    tested = {group_of(row["template"]) for row in rows if is_held_out(row)}
    wanted = (is_held_out(row) if held_out else group_of(row["template"]) not in tested for row in rows)
    return [_labelled(row) for row, is_wanted in zip(rows, wanted, strict=True) if is_wanted]


def meddocan(folder: Path, *, held_out: bool) -> list[Labelled]:
    """Texts of meddocan; a fifth is held out."""
    rows = map(json.loads, (folder / "pii/meddocan_es_train.jsonl").read_bytes().splitlines())
    return [_labelled(row) for row in rows if is_held_out(row) == held_out]


def _labelled(row: dict[str, object]) -> Labelled:
    spans = row["spans"]
    assert isinstance(spans, list)
    return Labelled(str(row["text"]), tuple((a, b, LABEL_OF[kind]) for a, b, kind in spans if kind in LABEL_OF))


def small_words(rows: Iterable[Labelled]) -> set[str]:
    """Words that are written small outside of names, in texts and templates."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.text == row.text.lower():
            continue
        counts.update(_small_words(row))
    for lines in templates(held_out=False).values():
        counts.update({word: 3 for line in lines for word in Tokens(line, 0, len(line)).words if word.islower()})
    return {word for word, count in counts.items() if count >= 3 and len(word) > 1}


def words_of_prompts(folder: Path) -> set[str]:
    """Words that prompts and letters mostly write small."""
    small, all_forms = Counter[str](), Counter[str]()
    for line in (folder / "injection/dev.jsonl").read_bytes().splitlines():
        text = json.loads(line)["text"]
        for word in set(Tokens(text, 0, len(text)).words):
            small[word] += word.islower()
            all_forms[word.lower()] += 1
    return {word for word, count in small.items() if count >= 4 and count >= 0.6 * all_forms[word] and len(word) > 1}


def _small_words(row: Labelled) -> Iterator[str]:
    tokens = Tokens(row.text, 0, len(row.text))
    for start, word in zip(tokens.starts, tokens.words, strict=True):
        if word.islower() and not any(a <= start < b for a, b, _ in row.spans):
            yield word


def words_of_tweets(folder: Path) -> set[str]:
    """Words that tweets mostly write small, but no first names, which they do too."""
    small, all_forms = Counter[str](), Counter[str]()
    for line in (folder / "moderation/davidson.jsonl").read_bytes().splitlines():
        text = json.loads(line)["text"]
        for word in set(Tokens(text, 0, len(text)).words):
            small[word] += word.islower()
            all_forms[word.lower()] += 1
    names = {name.lower() for name in (*lists_of().first, *lists_of().countries)}
    return {word for word, count in small.items() if count >= 8 and count >= 0.8 * all_forms[word]} - names


def ordinary_words_in(folder: Path) -> set[str]:
    """Words of the training texts that are no names."""
    rows = [*presidio(folder, held_out=False), *meddocan(folder, held_out=False)]
    return small_words(rows) | words_of_prompts(folder) | words_of_tweets(folder)
