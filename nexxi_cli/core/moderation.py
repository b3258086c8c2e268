"""What the moderation layer needs from outside: a Classifier, and what is to become of a text that a label fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Action = Literal["block", "flag", "pass"]


@dataclass(frozen=True, slots=True)
class LabelRule:
    """What becomes of a text whose score of `label` comes to `threshold`, from 0 to 1; None: the common one."""

    label: str
    action: Action
    threshold: float | None = None


def parse_rule(text: str) -> LabelRule:
    """The rule that `label=action` or `label=action:threshold` means. Raises ValueError, which says how it is written.

    A label may hold any character but a comma: the last equals sign ends it.
    """
    label, equals, said = text.rpartition("=")
    name, colon, number = said.partition(":")
    action = next((action for action in get_args(Action) if action == name.strip()), None)
    if not equals or not label.strip() or action is None:
        raise ValueError(
            f"{text!r} should be label=block, label=flag or label=pass, as in toxic=block or toxic=block:0.8"
        )
    if not colon:
        return LabelRule(label.strip(), action)
    try:
        threshold = float(number)
    except ValueError:
        threshold = 0.0
    if not 0 < threshold <= 1:
        raise ValueError(f"{text!r} should end with a threshold above 0, and 1 at most")
    return LabelRule(label.strip(), action, threshold)


class Classifier(Protocol):
    """A model that says how well each of its labels fits a text. It begins to load when it is made.

    Every method but `aclose` raises what keeps the model from loading: NotFound, NotAuthorised, UnsupportedModel,
    ModelUnavailable and OutOfSpace.
    """

    @property
    def name(self) -> str:
        """What the user calls it."""

    async def ready(self) -> None:
        """Wait until it can judge at once."""

    def labels(self) -> Sequence[str]:
        """Its labels. Blocks until it is loaded."""

    def scores(self, text: str) -> Mapping[str, float]:
        """How sure it is of each label, from 0 to 1: the highest of any part of the text. Linear in len(text).

        Blocks, until it is loaded too; any number of threads may call it. Raises ModelUnavailable when it fails.
        """

    async def aclose(self) -> None:
        """Stop what runs and free the model."""
