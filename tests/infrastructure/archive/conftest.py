"""An outbox, and an archive for it."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from nexxi_cli.infrastructure.archive.outbox import Outbox
from tests.infrastructure.archive.archives import MoodyArchive


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "outbox.db"


@pytest.fixture
async def outbox(path: Path) -> AsyncIterator[Outbox]:
    async with aclosing(Outbox(path, busy_timeout_s=0.2)) as outbox:
        yield outbox


@pytest.fixture
def archive() -> MoodyArchive:
    return MoodyArchive()
