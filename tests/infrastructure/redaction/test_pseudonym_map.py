"""The map that several processes share."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from nexxi_cli.core.errors import NexxiError, NotAuthorised, NotFound, OutOfSpace, UsageError
from nexxi_cli.infrastructure.redaction.key_file import kept_key, read_key
from nexxi_cli.infrastructure.redaction.pseudonym_map import PseudonymMap
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms

KEY = b"k" * 32


def given(path: Path, *values: str, key: bytes = KEY) -> list[str]:
    pseudonyms = Pseudonyms(PseudonymMap(path, key))
    placeholders = [pseudonyms.apply("EMAIL", value) for value in values]
    pseudonyms.settle()
    return placeholders


def test_a_later_run_gives_the_same_value_the_same_placeholder(tmp_path: Path) -> None:
    assert given(tmp_path / "m", "a", "b") == ["<EMAIL_1>", "<EMAIL_2>"]
    assert given(tmp_path / "m", "c", "b") == ["<EMAIL_3>", "<EMAIL_2>"]
    assert PseudonymMap(tmp_path / "m", KEY).read() == [("<EMAIL_1>", "a"), ("<EMAIL_2>", "b"), ("<EMAIL_3>", "c")]


def test_the_file_is_for_its_owner_alone_and_shows_nothing(tmp_path: Path) -> None:
    os.umask(0)
    given(tmp_path / "m", "ada@x.org")
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o600
    assert b"ada" not in (tmp_path / "m").read_bytes()
    assert b"EMAIL" not in (tmp_path / "m").read_bytes()


def test_bytes_that_are_no_utf_8_are_kept(tmp_path: Path) -> None:
    given(tmp_path / "m", "a\udcff\ud800")
    assert PseudonymMap(tmp_path / "m", KEY).read() == [("<EMAIL_1>", "a\udcff\ud800")]


def test_two_who_write_at_the_same_time_share_the_numbers(tmp_path: Path) -> None:
    one, other = (Pseudonyms(PseudonymMap(tmp_path / "m", KEY)) for _ in range(2))
    assert one.apply("EMAIL", "a") == "<EMAIL_1>"
    one.settle()
    assert [other.apply("EMAIL", value) for value in "ba"] == ["<EMAIL_2>", "<EMAIL_1>"]
    other.settle()
    assert [one.apply("EMAIL", value) for value in "cb"] == ["<EMAIL_3>", "<EMAIL_2>"]
    one.settle()


def test_many_processes_give_each_value_one_placeholder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.infrastructure.redaction.test_pseudonym_map import given\n"
        "for number in range(40): given(Path(sys.argv[1]), f'{sys.argv[2]}{number}', f'all{number}')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "m"), name]) for name in "abc"]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    entries = PseudonymMap(tmp_path / "m", KEY).read()
    assert len(entries) == len({name for name, _ in entries}) == len({value for _, value in entries}) == 160


def test_a_wrong_key_is_said_and_changes_nothing(tmp_path: Path) -> None:
    given(tmp_path / "m", "a")
    before = (tmp_path / "m").read_bytes()
    with pytest.raises(NotAuthorised, match="does not open the map"):
        given(tmp_path / "m", "b", key=b"o" * 32)
    with pytest.raises(NotAuthorised):
        PseudonymMap(tmp_path / "m", b"o" * 32).read()
    assert (tmp_path / "m").read_bytes() == before


@pytest.mark.parametrize("lost", range(1, 52, 7))
def test_a_record_that_a_crash_cut_short_is_cut_off_by_the_next_writer(tmp_path: Path, lost: int) -> None:
    given(tmp_path / "m", "a")
    given(tmp_path / "m", "b")
    os.truncate(tmp_path / "m", (tmp_path / "m").stat().st_size - lost)
    assert PseudonymMap(tmp_path / "m", KEY).read() == [("<EMAIL_1>", "a")]
    assert given(tmp_path / "m", "c") == ["<EMAIL_2>"]
    assert PseudonymMap(tmp_path / "m", KEY).read() == [("<EMAIL_1>", "a"), ("<EMAIL_2>", "c")]


@pytest.mark.parametrize("size", [0, 5, 19, 30, 36, 50])
def test_a_map_that_was_hardly_begun_is_begun_again(tmp_path: Path, size: int) -> None:
    begun = PseudonymMap(tmp_path / "m", KEY)
    assert begun.begin() == []
    begun.commit(())
    os.truncate(tmp_path / "m", size)
    assert given(tmp_path / "m", "a") == ["<EMAIL_1>"]
    assert PseudonymMap(tmp_path / "m", KEY).read() == [("<EMAIL_1>", "a")]


def test_a_record_that_was_changed_is_no_longer_believed(tmp_path: Path) -> None:
    given(tmp_path / "m", "a")
    raw = bytearray((tmp_path / "m").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "m").write_bytes(raw)
    with pytest.raises(NexxiError, match="is damaged"):
        given(tmp_path / "m", "b")


def test_another_file_is_not_taken_for_a_map(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("# my notes, which are long enough to be a map's beginning\n")
    with pytest.raises(UsageError, match="is not a map"):
        given(tmp_path / "m", "b")
    assert (tmp_path / "m").read_text().startswith("# my notes")


def test_a_full_disk_leaves_the_map_as_it_was(tmp_path: Path) -> None:
    given(tmp_path / "m", "a")
    before = (tmp_path / "m").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    pseudonyms = Pseudonyms(PseudonymMap(tmp_path / "m", KEY))
    pseudonyms.apply("EMAIL", "b" * 5000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
    try:
        with pytest.raises(OutOfSpace, match="no placeholder left without its original"):
            pseudonyms.settle()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "m").read_bytes() == before


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no map"):
        PseudonymMap(tmp_path / "m", KEY).read()


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "key")
    assert kept_key(tmp_path / "key") == key == read_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_is_short_or_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short\n")
    with pytest.raises(UsageError, match="holds 5 bytes"):
        read_key(tmp_path / "key")
    with pytest.raises(NotFound):
        read_key(tmp_path / "none")
