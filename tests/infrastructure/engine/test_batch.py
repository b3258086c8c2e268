"""Replies that are made together: each as it would be alone, none at the others' cost."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine import batch
from nexxi_cli.infrastructure.engine.checkpoint import Floats
from nexxi_cli.infrastructure.engine.fast import FastEngine
from nexxi_cli.infrastructure.engine.kv import KeyValues
from nexxi_cli.infrastructure.engine.llama import Llama
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.generating import Stopped
from tests.infrastructure.engine.models import FAMILIES, make

GREEDY = Sampling(temperature=0)
SAMPLINGS = (
    GREEDY,
    Sampling(temperature=1.0, seed=7),
    Sampling(temperature=0.8, top_p=0.9, seed=8),
    Sampling(temperature=2.0, seed=9),
)


@pytest.fixture(scope="module", params=["llama", "mistral", "qwen3"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    make(FAMILIES[request.param], path)
    return path


@pytest.fixture
def engine(folder: Path) -> FastEngine:
    return FastEngine.load(ModelFolder("small", folder), quantise="f32", threads=1, packs=None, prefix_bytes=2**24)


class Asked:
    """A reply, and what came of it."""

    def __init__(self, engine: FastEngine, thread: ThreadPoolExecutor) -> None:
        self._engine, self._thread = engine, thread
        self.tokens: list[int] = []
        self.stop = threading.Event()
        self.outcome: Future[bool] = Future()
        self.on_token: Callable[[int], None] = lambda _: None

    def start(self, prompt: list[int], sampling: Sampling = GREEDY, *, most: int = 20) -> "Asked":
        self.outcome = self._engine.start(
            self._thread, prompt, sampling, max_new_tokens=most, on_token=self._take, stop=self.stop
        )
        return self

    def _take(self, token: int) -> None:
        self.tokens.append(token)
        self.on_token(token)


@pytest.fixture
def thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


@pytest.fixture
def asked(engine: FastEngine, thread: ThreadPoolExecutor) -> Callable[[], Asked]:
    return lambda: Asked(engine, thread)


@contextmanager
def held(thread: ThreadPoolExecutor) -> Iterator[None]:
    """What is started in here begins together."""
    go = threading.Event()
    thread.submit(go.wait)
    yield
    go.set()


def prompt_of(number: int, length: int = 6) -> list[int]:
    return [1, *((7 * number + 11 * place) % 90 + 3 for place in range(length))]


def alone(engine: FastEngine, prompt: list[int], sampling: Sampling = GREEDY, *, most: int = 20) -> list[int]:
    tokens: list[int] = []
    engine.generate(prompt, sampling, max_new_tokens=most, on_token=tokens.append, stop=threading.Event())
    return tokens


def test_replies_made_together_are_those_made_alone(
    engine: FastEngine, asked: Callable[[], Asked], thread: ThreadPoolExecutor
) -> None:
    cases = [
        (prompt_of(number, 3 + 9 * number), SAMPLINGS[number % len(SAMPLINGS)], 4 + 3 * number) for number in range(12)
    ]
    expected = [alone(engine, prompt, sampling, most=most) for prompt, sampling, most in cases]
    with held(thread):
        together = [asked().start(prompt, sampling, most=most) for prompt, sampling, most in cases]
    ended = [reply.outcome.result(30) for reply in together]
    assert [reply.tokens for reply in together] == expected
    assert ended == [len(reply.tokens) < most for reply, (_, _, most) in zip(together, cases, strict=True)]


def test_those_who_run_get_a_token_for_each_chunk_that_a_newcomer_reads(
    asked: Callable[[], Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "SHARED_CHUNK", 8)
    runs, newcomer = asked(), asked()
    seen: list[int] = []
    newcomer.on_token = lambda _: seen.append(len(runs.tokens))
    runs.on_token = lambda _: newcomer.start(prompt_of(2, 31), most=1) if len(runs.tokens) == 5 else None
    runs.start(prompt_of(1), Sampling(temperature=2.0, seed=3), most=40)
    runs.outcome.result(30)
    newcomer.outcome.result(30)
    assert seen == [5 + 3]  # four chunks of eight, each but the last followed by a step


def test_a_newcomer_reads_and_the_next_step_is_made_of_both(engine: FastEngine, asked: Callable[[], Asked]) -> None:
    first, second = asked(), asked()
    rows: list[int] = []

    class Counting(Llama):
        def __init__(self, model: Llama) -> None:
            self.__dict__.update(model.__dict__)

        def follow(self, tokens: list[int], texts: list[KeyValues]) -> Floats:  # type: ignore[override]
            rows.append(len(tokens))
            return super().follow(tokens, texts)

    engine._batch._model = Counting(engine._batch._model)
    first.on_token = lambda _: second.start(prompt_of(2), most=3) if len(first.tokens) == 2 else None
    first.start(prompt_of(1), Sampling(temperature=2.0, seed=3), most=6)
    first.outcome.result(30)
    second.outcome.result(30)
    assert rows[:4] == [1, 2, 2, 1]


def test_one_who_leaves_ends_within_a_token_and_the_others_go_on(
    engine: FastEngine, asked: Callable[[], Asked], thread: ThreadPoolExecutor
) -> None:
    stays, leaves = asked(), asked()
    leaves.on_token = lambda _: leaves.stop.set() if len(leaves.tokens) == 3 else None
    expected = alone(engine, prompt_of(1))
    with held(thread):
        stays.start(prompt_of(1))
        leaves.start(prompt_of(2), Sampling(temperature=2.0, seed=1), most=50)
    with pytest.raises(Stopped):
        leaves.outcome.result(30)
    stays.outcome.result(30)
    assert (len(leaves.tokens), stays.tokens) == (3, expected)


def test_one_whose_listener_fails_fails_alone(
    engine: FastEngine, asked: Callable[[], Asked], thread: ThreadPoolExecutor
) -> None:
    good, bad = asked(), asked()

    def fail(_: int) -> None:
        raise LookupError("nobody listens")

    bad.on_token = fail
    expected = alone(engine, prompt_of(1))
    with held(thread):
        good.start(prompt_of(1))
        bad.start(prompt_of(2))
    with pytest.raises(LookupError):
        bad.outcome.result(30)
    good.outcome.result(30)
    assert good.tokens == expected


class Broken(Llama):
    """Fails once, when it steps two replies together."""

    def __init__(self, model: Llama, error: BaseException) -> None:
        self.__dict__.update(model.__dict__)
        self.error: BaseException | None = error

    def follow(self, tokens: list[int], texts: list[KeyValues]) -> Floats:  # type: ignore[override]
        if self.error is not None and len(tokens) == 2:
            error, self.error = self.error, None
            raise error
        return super().follow(tokens, texts)


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (RuntimeError("no memory\nis left"), ModelUnavailable),
        (MemoryError(), ModelUnavailable),
        (LookupError(), LookupError),
    ],
)
def test_a_model_that_fails_is_told_to_all_who_wait_and_the_next_reply_is_made(
    engine: FastEngine, asked: Callable[[], Asked], thread: ThreadPoolExecutor, error: Exception, seen: type[Exception]
) -> None:
    expected = alone(engine, prompt_of(1))
    engine._batch._model = Broken(engine._batch._model, error)
    warm = Sampling(temperature=2.0, seed=3)
    with held(thread):
        replies = [asked().start(prompt_of(number), warm, most=30) for number in (1, 2)]
    for reply in replies:
        with pytest.raises(seen):
            reply.outcome.result(30)
    after = asked().start(prompt_of(1))
    after.outcome.result(30)
    assert after.tokens == expected


def test_more_than_there_are_places_for_wait_their_turn(
    engine: FastEngine, asked: Callable[[], Asked], thread: ThreadPoolExecutor
) -> None:
    with held(thread):
        replies = [asked().start(prompt_of(number), most=5) for number in range(2 * batch.MOST_TOGETHER + 1)]
    for reply in replies:
        reply.outcome.result(30)
    assert [reply.tokens for reply in replies] == [
        alone(engine, prompt_of(number), most=5) for number in range(len(replies))
    ]


def test_two_replies_of_one_owner_at_a_time_go_on_from_the_same_text(
    engine: FastEngine, asked: Callable[[], Asked], thread: ThreadPoolExecutor
) -> None:
    ann = Sampling(temperature=0, prompt_cache_key="ann")
    begun = prompt_of(1, 20)
    alone(engine, begun, ann, most=2)
    longer = [[*begun, 50, 51], [*begun, 60]]
    with held(thread):
        replies = [asked().start(prompt, ann) for prompt in longer]
    for reply in replies:
        reply.outcome.result(30)
    assert [reply.tokens for reply in replies] == [alone(engine, prompt) for prompt in longer]
