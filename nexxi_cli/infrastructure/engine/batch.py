"""Replies that are made together: whoever comes joins at the next step. Knows when each is read and stepped.

Continuous batching (Yu et al. 2022, "Orca", OSDI) with prompts in chunks (Agrawal et al. 2023, arXiv:2308.16369).
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.infrastructure.engine.kv import KeyValues, Prefixes
from nexxi_cli.infrastructure.engine.model import Model
from nexxi_cli.infrastructure.engine.reply import Reply

CHUNK = 256
"""Tokens of a prompt that are read at a time: it bounds the memory, and how long a cancelled reply goes on."""
SHARED_CHUNK = 128
"""The same while other replies are made, which wait for it. A divisor of CHUNK: the kernels round alike for both."""
MOST_TOGETHER = 16
"""Replies that are stepped together, of as many rows as quantised matrices take; later ones wait."""


class Batch:
    """The replies of one model, in at most one thread at a time."""

    def __init__(self, model: Model, prefixes: Prefixes) -> None:
        self._model = model
        self._prefixes = prefixes
        self._lock = threading.Lock()
        self._waiting: deque[Reply] = deque()
        self._together: list[Reply] = []
        self._is_worked_on = False

    @property
    def model(self) -> Model:
        """The one that makes them at present."""
        return self._model

    def use(self, model: Model) -> None:
        """From the next step on; it goes on with what the other has read. May be called while replies are made."""
        self._model = model

    def add(self, reply: Reply, run: Callable[[Callable[[], None]], object]) -> None:
        """Make a reply, its prompt not empty; `run` is given the work when none goes on. One thread does all of it."""
        with self._lock:
            self._waiting.append(reply)
            starts, self._is_worked_on = not self._is_worked_on, True
        if starts:
            run(self._work)

    def _work(self) -> None:
        """Make replies until none is left."""
        try:
            while self._admit():
                self._advance()
        except BaseException as error:
            self._end_all(error)
            raise

    def _end_all(self, error: BaseException) -> None:
        with self._lock:
            lost = [*self._together, *self._waiting]
            self._together, self._is_worked_on = [], False
            self._waiting.clear()
        for reply in lost:
            reply.fail(error)

    def _admit(self) -> bool:
        """Begin what waits, as far as there are places; whether there is anything to do."""
        with self._lock:
            while self._waiting and len(self._together) < MOST_TOGETHER:
                self._together.append(self._waiting.popleft())
            self._is_worked_on = bool(self._together)
            return self._is_worked_on

    def _advance(self) -> None:
        """A chunk of the first prompt that is not read yet, and a token of each reply whose prompt is."""
        for reply in self._together:
            if reply.text is None:
                reply.begin(self._text_for(reply))
            reply.check()
        self._give_up_those_over()
        reading = next((reply for reply in self._together if len(reply.unread) > 1), None)
        if reading is not None:
            self._attempt([reading], self._read_chunk)
        ready = [reply for reply in self._together if len(reply.unread) == 1 and not reply.is_over]
        if ready:
            self._attempt(ready, self._step)
        self._give_up_those_over()

    def _text_for(self, reply: Reply) -> KeyValues:
        kept = None if reply.owner is None else self._prefixes.take(reply.owner, reply.prompt)
        return kept or self._model.new_text()

    def _attempt(self, replies: Sequence[Reply], work: Callable[[Sequence[Reply]], None]) -> None:
        try:
            work(replies)
        except (RuntimeError, MemoryError) as error:  # torch has one of its own for both
            words = " ".join(str(error).split())[:160]
            failure = ModelUnavailable(f"the model failed: {words or type(error).__name__}")
            failure.__cause__ = error
            for reply in replies:
                reply.fail(failure)

    def _read_chunk(self, replies: Sequence[Reply]) -> None:
        """All of what one reply has to read, or a chunk of it that leaves a token to be stepped with the others."""
        (reply,) = replies
        assert reply.text is not None
        count = CHUNK if len(self._together) == 1 else SHARED_CHUNK
        chunk, reply.unread = reply.unread[:count], reply.unread[count:]
        scores = self._model.read(chunk, reply.text)
        if not reply.unread:
            reply.take(scores)

    def _step(self, replies: Sequence[Reply]) -> None:
        texts = [reply.text for reply in replies if reply.text is not None]
        scores = self._model.follow([reply.unread[0] for reply in replies], texts)
        for reply, own in zip(replies, scores, strict=True):
            reply.unread = []
            reply.take(own)

    def _give_up_those_over(self) -> None:
        over = [reply for reply in self._together if reply.is_over]
        self._together = [reply for reply in self._together if not reply.is_over]
        for reply in over:
            if reply.owner is not None and reply.text is not None:
                self._prefixes.put(reply.owner, reply.text)
