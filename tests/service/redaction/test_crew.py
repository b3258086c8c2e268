"""A crew does what one process does, in order, whatever goes through shared memory."""

import os
from dataclasses import dataclass
from pickle import PickleBuffer

import pytest

from nexxi_cli.service.redaction.crew import Crew


@dataclass(frozen=True)
class Sheet:
    """A number, and what is written beside it."""

    number: int
    data: bytes | memoryview

    def __reduce__(self) -> tuple[type["Sheet"], tuple[object, ...]]:
        return Sheet, (self.number, PickleBuffer(self.data))


def tenfold(sheet: Sheet) -> Sheet:
    return Sheet(sheet.number * 10, bytes(sheet.data) * 10)


def by_two(things: list[Sheet | None], *, room_bytes: int = 100) -> list[tuple[int, bytes | None]]:
    with Crew(tenfold, 2, room_bytes=room_bytes) as crew:
        return [
            (tag, result and bytes(result.data))  # it is good for this turn alone
            for tag, _, result in crew.results(enumerate(things))
        ]


def test_results_come_in_order_and_what_is_nothing_goes_to_nobody() -> None:
    things = [None if number % 7 == 3 else Sheet(number, b"%d" % (number % 10)) for number in range(40)]
    expected = [(at, thing and bytes(tenfold(thing).data)) for at, thing in enumerate(things)]
    assert by_two(things) == expected


def test_results_that_fit_in_no_room_come_whole() -> None:
    things = [Sheet(number, os.urandom(90)) for number in range(9)]
    assert by_two([*things]) == [(thing.number, bytes(thing.data) * 10) for thing in things]


def test_buffers_of_a_result_stay_until_the_next_one_is_asked_for() -> None:
    with Crew(tenfold, 2, room_bytes=100) as crew:
        for number, _, result in crew.results((number, Sheet(number, b"%d" % number)) for number in range(10)):
            assert isinstance(result, Sheet)
            assert isinstance(result.data, memoryview)
            assert result.data == b"%d" % number * 10


def test_what_work_raises_is_raised_at_its_turn() -> None:
    with Crew(lambda number: 60 // number, 2, room_bytes=1) as crew:
        results = crew.results(enumerate((2, 3, 0, 1)))
        assert [next(results)[2], next(results)[2]] == [30, 20]
        with pytest.raises(ZeroDivisionError):
            next(results)
