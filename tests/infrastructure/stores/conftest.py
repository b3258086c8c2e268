"""A sessions file and a store on it."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "nexxi" / "sessions.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteSessionStore]:
    opened = SqliteSessionStore(path, busy_timeout_s=0.2)
    yield opened
    await opened.aclose()


@pytest.fixture
def unprivileged_path() -> Iterator[Path]:
    """A path in a folder of a user whom file modes bind: root is made to act as nobody."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.db"
        if os.geteuid() != 0:
            yield path
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield path
        finally:
            os.seteuid(0)
