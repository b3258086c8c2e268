"""Replies that a JSON schema holds, by llguidance: which tokens may come next. Knows no model."""

from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import UnsupportedModel, UsageError

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer
    from tokenizers import Tokenizer


class Constraint:
    """Follows one reply, token by token. Use it from one thread."""

    def __init__(self, matcher: "LLMatcher") -> None:
        self._matcher = matcher

    @property
    def is_over(self) -> bool:
        """Whether the document is whole and nothing can follow it."""
        return self._matcher.is_stopped()

    def allowed(self) -> bytes:
        """A byte for each token of the vocabulary, 0 where it may not come next; an end token needs a whole document.

        Raises UsageError when the schema takes too much work here.
        """
        allowed = self._matcher.compute_logit_bias()
        self._check()
        return allowed

    def take(self, token: int) -> None:
        """The model chose `token`. Raises UsageError when the schema takes too much work here."""
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise _refused(self._matcher.get_error())


class Constraints:
    """Makes the constraints of one model's replies. Use it from one thread.

    The first one takes 0.2 s for a vocabulary of 49,152 tokens: llguidance builds a tree of them.
    """

    def __init__(self, tokenizer: "Tokenizer", end_tokens: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._end_tokens = sorted(end_tokens)

    def new(self, grammar: str) -> Constraint:
        """For one reply; `grammar` comes from `json_grammar`.

        Raises UsageError when the grammar is too large, UnsupportedModel for a tokenizer that cannot be used so.
        """
        from llguidance import LLMatcher, LLParserLimits

        limits = LLParserLimits(verbose_errors=False)  # they would quote the reply
        matcher = LLMatcher(self._vocabulary, grammar, log_level=0, limits=limits)
        if matcher.is_error():
            raise _refused(matcher.get_error())
        return Constraint(matcher)

    @cached_property
    def _vocabulary(self) -> "LLTokenizer":
        from llguidance import LLTokenizer

        try:
            return LLTokenizer(self._tokenizer.to_str(), eos_token=self._end_tokens or None)
        except ValueError as error:
            raise UnsupportedModel(f"this model's tokenizer cannot be held to a JSON schema: {_line(error)}") from error


def json_grammar(schema: str) -> str:
    """The grammar of what a JSON schema allows. Raises UsageError for a schema that cannot be followed.

    It is laid out on one line, as Python's json does: a model that may choose its blanks can write them without end.
    In strings only quotes and backslashes are escaped: behind the letter of a line break's escape the safety filter
    would not know data from a longer word.
    """
    from llguidance import LLMatcher

    try:
        grammar = LLMatcher.grammar_from_json_schema(
            schema,
            overrides={
                "whitespace_flexible": False,
                "item_separator": ", ",
                "key_separator": ": ",
                "json_allowed_escapes": '"\\',
                "lenient": False,  # a keyword that it does not know is refused, not ignored
            },
        )
    except ValueError as error:
        raise _refused(error) from error
    failed, messages = LLMatcher.validate_grammar_with_warnings(grammar)
    if failed:
        raise _refused(messages[0])
    return grammar


def _refused(reason: object) -> UsageError:
    return UsageError(f"the JSON schema cannot be followed: {_line(reason)}")


def _line(reason: object) -> str:
    return " ".join(str(reason).split())[:200]
