"""A folder for the sockets."""

from pathlib import Path

import pytest

from nexxi_cli.infrastructure.warm.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "run")
