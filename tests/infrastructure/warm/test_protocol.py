"""The lines: what goes in comes out, and what is none of ours is refused."""

import inspect

import pytest

from nexxi_cli.core import errors
from nexxi_cli.core.errors import ModelUnavailable, NexxiError, Overloaded, QuotaExceeded
from nexxi_cli.core.types import Delta, Message, ModelInfo, RunningEngine, Sampling, Usage
from nexxi_cli.infrastructure.warm.protocol import (
    Answer,
    ProtocolError,
    Request,
    answer_line,
    identity_line,
    read_answer,
    read_identity,
    read_request,
    request_line,
)
from tests.infrastructure.warm.running import IDENTITY

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, NexxiError)]


def an_error(kind: type[NexxiError]) -> NexxiError:
    if kind in (Overloaded, QuotaExceeded):
        return kind("why", retry_after_s=7.5)
    return kind("why")


def test_a_request_comes_out_as_it_went_in() -> None:
    sampling = Sampling(0.5, 0.9, 10, 3, ("a", "\n"), '{"type": "object"}', "local")
    messages = (
        Message("system", "Be brief."),
        Message("user", "line\nline \u2028 \ud800 é"),
        Message("assistant", "", "length"),
    )
    for request in (Request("generate", messages, sampling), Request("info"), Request("keep", seconds=1.5)):
        line = request_line(request)
        assert line.count(b"\n") == 1
        assert read_request(line) == request


@pytest.mark.parametrize(
    "answer",
    [
        Answer(),
        Answer(done=True),
        Answer(done=True, info=ModelInfo("m", 100, "Be brief.")),
        Answer(done=True, count=0),
        Answer(delta=Delta("x\n")),
        Answer(delta=Delta("", "stop", Usage(3, 4))),
        Answer(done=True, status=RunningEngine("m", 1, "chat", "0.1", "auto", 3.5)),
    ],
    ids=str,
)
def test_an_answer_comes_out_as_it_went_in(answer: Answer) -> None:
    assert read_answer(answer_line(answer)) == answer


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_comes_out_as_itself(kind: type[NexxiError]) -> None:
    found = read_answer(answer_line(Answer(done=True, error=an_error(kind)))).error
    assert (type(found), str(found)) == (kind, "why")
    if isinstance(found, Overloaded):
        assert found.retry_after_s == 7.5


@pytest.mark.parametrize("kind", ["Exception", "TYPE_CHECKING", "no such kind"])
def test_an_error_of_no_kind_of_ours_is_one_of_the_model(kind: str) -> None:
    line = b'{"done": true, "error": {"type": "%s", "message": "why"}}' % kind.encode()
    assert type(read_answer(line).error) is ModelUnavailable


def test_who_it_is_comes_out_as_it_went_in() -> None:
    assert read_identity(identity_line(IDENTITY)) == IDENTITY


NONSENSE = [
    b"",
    b"x",
    b"[]",
    b"{}",
    b"null",
    b"\xff",
    b'{"task": "destroy", "messages": [], "sampling": {"stop": []}, "seconds": 0}',
    b'{"delta": {}}',
    b'{"status": 3}',
    b'{"unknown": 1}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("line", NONSENSE, ids=lambda line: str(line[:20]))
def test_what_is_no_line_of_ours_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_request(line)
    with pytest.raises(ProtocolError):
        read_identity(line)
    if line != b"{}":
        with pytest.raises(ProtocolError):
            read_answer(line)
