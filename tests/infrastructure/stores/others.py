"""What other programs do to a sessions file."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[3]


def execute(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on the file as another program would; return what the last one says."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def put(path: Path, content: bytes = b"", *, mode: int = 0o600) -> None:
    """Make the file what it is to be before the store sees it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def run_python(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process of its own that sees our packages."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
