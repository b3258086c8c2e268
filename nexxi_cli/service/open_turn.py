"""OpenTurn: one exchange while it is under way."""

from uuid import UUID

from nexxi_cli.core.types import Cost, FinishReason, Message, Timing, Usage
from nexxi_cli.service.history import Window


class OpenTurn:
    """What the model is to be sent, and what it has answered so far.

    session_id: the session that keeps the turn; None when nothing is kept and the session is new. A new named session
    that another process has made meanwhile gets the turn, so the id is final only once the turn is closed. is_kept:
    whether that session has it by now.
    """

    def __init__(self, window: Window, *, session_id: UUID | None, summarised_turns: int) -> None:
        self.session_id = session_id
        self.is_kept = False
        self.messages = window.messages
        self.prompt_tokens = window.prompt_tokens
        self.dropped_turns = window.dropped_turns
        self.summarised_turns = summarised_turns
        self.cost = Cost(Usage(window.prompt_tokens, 0), Timing(None, 0.0))
        self.finish_reason: FinishReason = "interrupted"  # until the reply is known to have ended
        self._pieces: list[str] = []

    def add(self, text: str) -> None:
        """The next piece of the reply, as the user sees it."""
        self._pieces.append(text)

    def spend(self, cost: Cost) -> None:
        """What the turn has cost so far."""
        self.cost = cost

    def keep_in(self, session_id: UUID) -> None:
        """This session has it."""
        self.session_id, self.is_kept = session_id, True

    def finish(self, reason: FinishReason) -> None:
        """Why the reply has ended. A turn that closes without it counts as interrupted."""
        self.finish_reason = reason

    @property
    def reply(self) -> str:
        """The reply so far."""
        return "".join(self._pieces)

    @property
    def answer(self) -> Message:
        """The reply as it is kept: marked, unless it ended by itself."""
        return Message("assistant", self.reply, None if self.finish_reason == "stop" else self.finish_reason)
