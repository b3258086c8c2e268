"""`nexxi redact --map` and `--restore`: there and back through a pipe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_redact import redact

pytestmark = pytest.mark.usefixtures("home")

TEXT = b"Ada <ada@example.com> and bob@example.com at 10.0.0.1\n"


@pytest.fixture
def map_file(tmp_path: Path) -> str:
    return str(tmp_path / "m")


def test_what_was_redacted_is_restored(map_file: str) -> None:
    hidden = redact("--map", map_file, text=TEXT)
    assert hidden.stdout == b"Ada <<EMAIL_1>> and <EMAIL_2> at <IP_1>\n"
    assert redact("--restore", map_file, text=hidden.stdout).stdout == TEXT
    assert [oct(Path(name).stat().st_mode & 0o777) for name in (map_file, f"{map_file}.key")] == ["0o600", "0o600"]


def test_runs_share_a_map(map_file: str) -> None:
    redact("--map", map_file, text=TEXT)
    assert redact("--map", map_file, text=b"cy@example.com bob@example.com").stdout == b"<EMAIL_3> <EMAIL_2>"


def test_an_answer_that_a_model_wrote_is_restored(map_file: str) -> None:
    redact("--map", map_file, text=TEXT)
    done = redact("--restore", map_file, text=b"**&lt;EMAIL_1&gt;**, <email 2>, IP_1 and <EMAIL_9>")
    assert done.stdout == b"**ada@example.com**, bob@example.com, 10.0.0.1 and <EMAIL_9>"


def test_both_ends_of_a_pipe_may_begin_at_the_same_time(map_file: str) -> None:
    nexxi = f"{sys.executable} -m nexxi_cli redact -q"
    command = f"sleep 1 | cat - text | {nexxi} --map {map_file} | tr a-z a-z | {nexxi} --restore {map_file}"
    (Path(map_file).parent / "text").write_bytes(TEXT)
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=Path(map_file).parent, env=with_path())
    assert (done.stdout, done.stderr) == (TEXT, b"")


def with_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_wrong_key_is_one_line_and_loses_nothing(
    map_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = redact("--map", map_file, text=TEXT).stdout
    (tmp_path / "file").write_bytes(hidden)
    before = Path(map_file).read_bytes()
    monkeypatch.setenv("NEXXI_REDACT_KEY", "this is another key")
    for arguments, text, out in (
        (("--restore", map_file), hidden, hidden),
        (("--map", map_file), TEXT, b""),
        (("--restore", map_file, "-i", str(tmp_path / "file")), b"", b""),
    ):
        done = redact(*arguments, text=text)
        assert (done.returncode, done.stdout) == (4, out)
        assert len(done.stderr.splitlines()) == 1
        assert b"does not open the map" in done.stderr
    assert Path(map_file).read_bytes() == before
    assert (tmp_path / "file").read_bytes() == hidden


def test_a_map_that_is_not_there_is_named_and_the_text_comes_out(map_file: str) -> None:
    done = redact("--restore", map_file, text=b"to <EMAIL_1>")
    assert (done.returncode, done.stdout) == (1, b"to <EMAIL_1>")
    assert done.stderr == f"nexxi: there is no map {map_file}\n".encode()
    assert redact("--restore", map_file, text=b"nothing to restore").returncode == 0


def test_a_file_is_restored_in_place(map_file: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(TEXT)
    redact("-i", "--map", map_file, str(tmp_path / "file"))
    assert b"<EMAIL_2>" in (tmp_path / "file").read_bytes()
    assert redact("-i", "--restore", map_file, str(tmp_path / "file")).returncode == 0
    assert (tmp_path / "file").read_bytes() == TEXT


def test_jobs_share_the_numbers(map_file: str) -> None:
    assert redact("--map", map_file, "--jobs", "2", text=TEXT).stdout == b"Ada <<EMAIL_1>> and <EMAIL_2> at <IP_1>\n"
