"""The stores that the contract suite runs on."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from nexxi_cli.core.ports import SessionStore
from tests.contracts.places import OPENERS, StorePlace


@pytest.fixture(params=sorted(OPENERS))
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], StorePlace]:
    """Makes empty places of one kind."""
    numbers = count()
    return lambda: StorePlace(request.param, str(tmp_path / str(next(numbers)) / "sessions.db"))


@pytest.fixture
def place(new_place: Callable[[], StorePlace]) -> StorePlace:
    return new_place()


@pytest.fixture
async def store(place: StorePlace) -> AsyncIterator[SessionStore]:
    opened = place.open()
    yield opened
    await opened.aclose()
