"""One reply that is being made: its text so far, how its tokens are chosen, and who is told of them. Knows no model."""

import threading
from collections.abc import Callable, Sequence, Set
from concurrent.futures import Future

from nexxi_cli.infrastructure.engine.checkpoint import Floats
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.sampler import Sampler
from nexxi_cli.infrastructure.models.constraint import Constraint
from nexxi_cli.infrastructure.models.generating import Stopped


class Reply:
    """`text` is None until the reply is begun; then it holds what is read, and `unread` what must be before a choice.

    `outcome` becomes True if the reply ended by itself, False if it is as long as it may be, or what went wrong:
    Stopped, ModelUnavailable, and what `constraint` and `on_token` raise.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        owner: str | None,
        sampler: Sampler,
        *,
        end_tokens: Set[int],
        max_new_tokens: int,
        on_token: Callable[[int], None],
        stop: threading.Event,
        constraint: Constraint | None,
    ) -> None:
        """`owner`: whose texts the prompt may go on from; None for nobody's."""
        self.prompt = prompt
        self.owner = owner
        self.text: KeyValues | None = None
        self.unread: list[int] = []
        self.outcome: Future[bool] = Future()
        self._sampler = sampler
        self._end_tokens = end_tokens
        self._left = max_new_tokens
        self._on_token = on_token
        self._stop = stop
        self._constraint = constraint

    @property
    def is_over(self) -> bool:
        """Whether the outcome is known."""
        return self.outcome.done()

    def begin(self, text: KeyValues) -> None:
        """Go on from a text that holds a beginning of the prompt."""
        self.text, self.unread = text, list(self.prompt[text.length :])
        assert self.unread
        if not self._left:
            self.outcome.set_result(False)

    def check(self) -> None:
        """End it if nobody wants it any more."""
        if self._stop.is_set() and not self.is_over:
            self.outcome.set_exception(Stopped())

    def fail(self, error: BaseException) -> None:
        """End it with an error."""
        if not self.is_over:
            self.outcome.set_exception(error)

    def take(self, scores: Floats) -> None:
        """Choose the next token, (vocabulary,) its scores, once all is read."""
        try:
            ended = self._chosen(scores)
        except Exception as error:  # noqa: BLE001 - of this reply alone; whoever waits for it is told
            self.fail(error)
            return
        if ended is not None:
            self.outcome.set_result(ended)

    def _chosen(self, scores: Floats) -> bool | None:
        """How the reply ends with this choice; None if it goes on."""
        assert self.text is not None
        constraint = self._constraint
        token = self._sampler.choose(scores, self.text.tokens, None if constraint is None else constraint.allowed())
        if token in self._end_tokens:
            return True
        if constraint is not None:
            constraint.take(token)
        self._on_token(token)
        self._left -= 1
        if constraint is not None and constraint.is_over:
            return True
        self.unread = [token]
        return None if self._left else False
