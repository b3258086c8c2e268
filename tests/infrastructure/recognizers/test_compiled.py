"""What Hyperscan compiles is kept for the next process, and made anew when it is of no use."""

import stat
from pathlib import Path
from typing import Any

from nexxi_cli.infrastructure.recognizers.compiled import compiled

WORDS = [b"ada", b"bob"]


def found_by(database: Any, text: bytes = b"bob and ada") -> list[tuple[int, int]]:
    """The number of each expression, and where it ends."""
    found: list[tuple[int, int]] = []
    database.scan(text, match_event_handler=lambda number, _, end, *__: found.append((number, end)))
    return found


def the_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_it_finds_the_same_from_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    made = found_by(compiled(WORDS, kept_in=folder))
    assert made == [(1, 3), (0, 11)] == found_by(compiled(WORDS, kept_in=None))
    before = the_file(folder).stat()
    assert found_by(compiled(WORDS, kept_in=folder)) == made
    assert the_file(folder).stat().st_mtime_ns == before.st_mtime_ns
    assert (stat.S_IMODE(before.st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)


def test_other_expressions_take_the_place_of_older_ones(tmp_path: Path) -> None:
    compiled(WORDS, kept_in=tmp_path)
    older = the_file(tmp_path)
    assert found_by(compiled([b"and"], kept_in=tmp_path)) == [(0, 7)]
    assert the_file(tmp_path) != older


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    compiled(WORDS, kept_in=tmp_path)
    file = the_file(tmp_path)
    whole = file.read_bytes()
    for damaged in (b"", whole[:100], whole[:-9] + b"x" + whole[-8:], b"x" * len(whole)):
        file.write_bytes(damaged)
        assert found_by(compiled(WORDS, kept_in=tmp_path)) == [(1, 3), (0, 11)]
        assert len(file.read_bytes()) == len(whole)


def test_a_folder_that_cannot_be_used_keeps_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert found_by(compiled(WORDS, kept_in=tmp_path / "file")) == [(1, 3), (0, 11)]
