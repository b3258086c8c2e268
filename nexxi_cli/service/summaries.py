"""What the oldest turns of a conversation come to, told by the model itself. Knows how to ask, not where to keep it."""

from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from nexxi_cli.core.events import SummaryEnded, SummaryStarted
from nexxi_cli.core.ports import ModelBackend, Observer
from nexxi_cli.core.types import Message, Sampling, Summary
from nexxi_cli.service.history import CHARS_PER_TOKEN, Window, fit_window, most_that_fit, turns_of

SUMMARY_SHARE = 8
"""A summary may be an eighth of the context, and at most MOST_TOKENS long."""

MOST_TOKENS = 256

INSTRUCTION = (
    "Summarise this conversation in a few sentences. Keep names, numbers, decisions and open questions."
    " Write the summary only."
)
HEADING = "Summary of the conversation so far:"


@dataclass(frozen=True, slots=True)
class SummarisedWindow:
    """What is sent to the model, and the summary that stands in it for the oldest turns, if there is one."""

    window: Window
    summary: Summary | None


async def fit_summarised(
    backend: ModelBackend,
    history: Sequence[Message],
    summary: Summary | None,
    question: Message,
    *,
    context_tokens: int,
    reply_tokens: int | None,
    observer: Observer | None = None,
    request_id: str = "",
) -> SummarisedWindow:
    """Let a summary stand for as many of the oldest turns as do not fit; the model is asked only for what is new in it.

    It then takes in more turns than it must, so that the next messages need no new one. The system
    message stays as it is, with the summary below it. `observer` hears when the model begins and when it is done.
    Raises ContextLengthExceeded as `fit_window` does.
    """
    turns = turns_of(history)
    while True:
        shortened = _shortened(history, summary)
        window = await fit_window(
            backend, shortened, question, context_tokens=context_tokens, reply_tokens=reply_tokens
        )
        if not window.dropped_turns:
            return SummarisedWindow(window, summary)
        roomy = await fit_window(
            backend, shortened, question, context_tokens=context_tokens, reply_tokens=context_tokens // 2
        )
        told = summary.turns if summary else 0
        end = told + max(window.dropped_turns, (len(turns) - told + roomy.dropped_turns) // 2)
        with _said_to(observer, request_id, turns=end - told):
            while told < end:
                summary = await _taken_in(backend, summary, turns[told:end], context_tokens=context_tokens)
                told = summary.turns


@contextmanager
def _said_to(observer: Observer | None, request_id: str, *, turns: int) -> Iterator[None]:
    """Tell the observer, if there is one, of what is done in here."""
    if observer is None:
        yield
        return
    observer.notify(SummaryStarted(request_id, turns))
    try:
        yield
    finally:
        observer.notify(SummaryEnded(request_id))


async def _taken_in(
    backend: ModelBackend, summary: Summary | None, turns: Sequence[Sequence[Message]], *, context_tokens: int
) -> Summary:
    """A summary that tells also of the first of `turns`, as many as the model can read at once, but at least one."""
    reply_tokens = min(context_tokens // SUMMARY_SHARE, MOST_TOKENS)
    budget_tokens = context_tokens - reply_tokens

    def prompt(count: int) -> list[Message]:
        return [Message("system", INSTRUCTION), Message("user", _transcript(summary, turns[:count]))]

    count, _ = await most_that_fit(
        lambda count: backend.count_tokens(prompt(count), budget=budget_tokens),
        guess=len(turns),
        most=len(turns),
        budget_tokens=budget_tokens,
    )
    asked = prompt(count)
    if count == 0:  # a turn that is longer than the context: its beginning has to do
        count = 1
        text = _transcript(summary, turns[:1])[: budget_tokens * CHARS_PER_TOKEN // 2]
        asked = [Message("system", INSTRUCTION), Message("user", text)]
    told = await _told(backend, asked, reply_tokens)
    before = summary or Summary(0, "")
    return Summary(before.turns + count, told or before.text)


async def _told(backend: ModelBackend, messages: Sequence[Message], reply_tokens: int) -> str:
    sampling = Sampling(temperature=0, max_new_tokens=reply_tokens)
    async with aclosing(backend.generate(messages, sampling)) as deltas:
        return "".join([delta.text async for delta in deltas]).strip()


def _shortened(history: Sequence[Message], summary: Summary | None) -> Sequence[Message]:
    """The history with the summary in the place of the turns that it tells of."""
    if summary is None:
        return history
    system = "\n\n".join(message.content for message in history if message.role == "system")
    rest = [message for turn in turns_of(history)[summary.turns :] for message in turn]
    told = f"{HEADING}\n{summary.text}"
    return [Message("system", f"{system}\n\n{told}" if system else told), *rest]


def _transcript(summary: Summary | None, turns: Sequence[Sequence[Message]]) -> str:
    lines = [f"{HEADING} {summary.text}"] if summary and summary.text else []
    lines += [f"{message.role.capitalize()}: {message.content}" for turn in turns for message in turn]
    return "\n\n".join(lines)
