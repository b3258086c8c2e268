"""A filter with the real recognizers, texts that are dense with what they find, and a detector that is scripted."""

from collections.abc import Sequence

from hypothesis import strategies as st

from nexxi_cli.core.detection import Suspicion
from nexxi_cli.core.settings import Mode
from nexxi_cli.infrastructure.recognizers import SCANNER
from nexxi_cli.service.safety import SafetyFilter
from tests.infrastructure.recognizers.examples import ALL, IN_CONTEXT

EXAMPLES = [example for _, example in ALL]
SENTENCES = [before + data + after for _, before, data, after in IN_CONTEXT]

PIECES = st.one_of(
    st.sampled_from(EXAMPLES),
    st.sampled_from([example[: len(example) * 2 // 3] for example in EXAMPLES]),
    st.sampled_from([example[len(example) // 3 :] for example in EXAMPLES]),
    st.sampled_from(
        ["hello ", "in 2024, ", " ", ". ", "-", "(", "+", "@", "ext", "GB82", "é", "是", "\n", "-----BEGIN "]
    ),
    st.sampled_from(SENTENCES),
    st.sampled_from([sentence[: len(sentence) * 2 // 3] for sentence in SENTENCES]),
    st.text(max_size=5),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def a_filter(*, html: Mode = "off", pii: Mode = "redact", max_chars: int | None = None) -> SafetyFilter:
    return SafetyFilter((SCANNER,), html, pii, max_chars)


class WordDetector:
    """Takes a text for an attack when it holds the word "attack"; "maybe" is half as suspicious as it takes."""

    rules = frozenset({"word", "classifier"})

    def __init__(self) -> None:
        self.texts: list[str] = []

    def suspicions(self, text: str) -> Sequence[Suspicion]:
        self.texts.append(text)
        score = 0.25 if "maybe" in text else 0.0
        found = [Suspicion("word", 0.9)] if "attack" in text else []
        return [*found, Suspicion("classifier", 0.97 if "attack!" in text else score, measured=True)]
