"""`nexxi redact` on files: in place, below folders, gzip, several processes, a log that grows."""

import gzip
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.service.redaction.walking import Globs, files_below
from tests.cli.test_redact import NEXXI, redact

pytestmark = pytest.mark.usefixtures("home")

MAIL = b"mail ada@example.com\n"
HIDDEN = b"mail <EMAIL>\n"


def left_beside(path: Path) -> list[str]:
    return [found.name for found in path.parent.iterdir() if "redacting" in found.name]


def test_a_file_is_changed_in_place_with_its_mode_and_owner(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(MAIL)
    file.chmod(0o2640)
    os.chown(file, os.getuid(), os.getgid())
    before = file.stat()
    done = redact("--in-place", str(file))
    assert (done.returncode, done.stdout, file.read_bytes()) == (0, b"", HIDDEN)
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert left_beside(file) == []


def test_a_file_without_findings_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"nothing\n")
    before = (tmp_path / "file").stat()
    redact("-i", str(tmp_path / "file"))
    after = (tmp_path / "file").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MAIL)
    (tmp_path / "link").symlink_to("file")
    redact("-i", str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == HIDDEN


def test_a_full_disk_leaves_the_original_whole(tmp_path: Path) -> None:
    text = MAIL * 5000
    (tmp_path / "file").write_bytes(text)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run([*NEXXI, "-i", str(tmp_path / "file")], capture_output=True, preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr == f"nexxi: {tmp_path / 'file'} stays as it was: File too large\n".encode()
    assert (tmp_path / "file").read_bytes() == text
    assert left_beside(tmp_path / "file") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_signal_leaves_the_original_whole_and_nothing_beside_it(tmp_path: Path, number: int, jobs: str) -> None:
    text = MAIL * 1_500_000
    (tmp_path / "file").write_bytes(text)
    with subprocess.Popen([*NEXXI, "-i", "--jobs", jobs, str(tmp_path / "file")]) as running:
        while not left_beside(tmp_path / "file"):
            time.sleep(0.01)
        running.send_signal(number)
        assert running.wait(timeout=30) == 128 + number
    assert (tmp_path / "file").read_bytes() == text
    assert left_beside(tmp_path / "file") == []


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = redact("-i", str(tmp_path / "pipe"))
    assert (done.returncode, b"is no regular file" in done.stderr) == (2, True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("a.txt", "b/c.txt", "b/d.md", "b/e/f.txt", ".git/config"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(MAIL)
    (root / "g.bin").write_bytes(b"\0" + MAIL)
    (root / "h.txt.gz").write_bytes(gzip.compress(MAIL))
    (tmp_path / "outside.txt").write_bytes(MAIL)
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "up").symlink_to(tmp_path)
    return root


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_all_text_files_below_a_folder_are_changed(tree: Path, jobs: str) -> None:
    done = redact("-i", "-r", "--jobs", jobs, str(tree))
    assert done.returncode == 0
    assert f"{tree}/g.bin is binary and left out".encode() in done.stderr
    for name in ("a.txt", "b/c.txt", "b/d.md", "b/e/f.txt"):
        assert (tree / name).read_bytes() == HIDDEN
    assert gzip.decompress((tree / "h.txt.gz").read_bytes()) == HIDDEN
    assert (tree / ".git/config").read_bytes() == MAIL
    assert (tree / "g.bin").read_bytes() == b"\0" + MAIL
    assert (tree.parent / "outside.txt").read_bytes() == MAIL


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (("--include", "*.txt"), ["a.txt", "b/c.txt", "b/e/f.txt"]),
        (("--include", "b/*.txt"), ["b/c.txt", "b/e/f.txt"]),
        (("--exclude", "b"), ["a.txt", "h.txt.gz"]),
        (("--exclude", "*.gz", "--exclude", "e", "--exclude", "*.md"), ["a.txt", "b/c.txt"]),
    ],
)
def test_globs_choose_files_and_check_names_them_in_order(tree: Path, globs: tuple[str, ...], found: list[str]) -> None:
    done = redact("-q", "-r", "--check", *globs, str(tree))
    assert done.returncode == 3
    assert done.stdout.decode() == "".join(f"{tree}/{name}:1:6 EMAIL email.address\n" for name in found)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(tree: Path, jobs: str) -> None:
    (tree / "b" / "broken.gz").write_bytes(gzip.compress(MAIL * 100)[:50])
    done = redact("-q", "-i", "-r", "--jobs", jobs, str(tree))
    assert done.returncode == 1
    assert done.stderr.startswith(f"nexxi: {tree}/b/broken.gz is cut short or no gzip file".encode())
    assert (tree / "b" / "e" / "f.txt").read_bytes() == HIDDEN
    assert len((tree / "b" / "broken.gz").read_bytes()) == 50


def test_a_folder_that_cannot_be_read_is_named_and_the_others_go_on(tree: Path) -> None:
    noted: list[NexxiError] = []
    found = files_below(tree / "none", Globs(), unreadable=noted.append)
    assert list(found) == []
    assert [str(error) for error in noted] == [f"{tree}/none cannot be read: No such file or directory"]


def test_gzip_goes_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(MAIL) + gzip.compress(MAIL))
    assert redact(str(tmp_path / "a.gz")).stdout == HIDDEN * 2
    assert gzip.decompress(redact("-z", text=gzip.compress(MAIL)).stdout) == HIDDEN
    assert gzip.decompress(redact("-z", text=MAIL).stdout) == HIDDEN
    assert gzip.decompress(redact("-z", text=b"").stdout) == b""


@pytest.mark.parametrize(
    "raw", [b"no gzip", gzip.compress(MAIL)[:-4], gzip.compress(MAIL)[:5], b"\x1f\x8b\x08\0xxxxxxxxxx"]
)
def test_a_broken_gzip_file_is_one_line(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.gz").write_bytes(raw)
    done = redact("-i", str(tmp_path / "a.gz"))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert (tmp_path / "a.gz").read_bytes() == raw


def test_a_zip_bomb_does_not_fill_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=9) as bomb:
        for _ in range(100):
            bomb.write(b" " * (1 << 20))
    assert peak_bytes(["redact", "-q", "--check", str(tmp_path / "bomb.gz")]) < 120 << 20


@pytest.mark.parametrize(("fields", "size_mb"), [((), 100), (("--jsonl", "a"), 12), (("--csv", "1"), 12)])
def test_a_line_without_end_does_not_fill_memory(tmp_path: Path, fields: tuple[str, ...], size_mb: int) -> None:
    with (tmp_path / "line").open("wb") as file:
        for _ in range(size_mb):
            file.write(b"long " * 209_715)
        file.write(b"ada@example.com")
    assert peak_bytes(["redact", "-q", *fields, str(tmp_path / "line")]) < 120 << 20


def peak_bytes(arguments: list[str]) -> int:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from nexxi_cli.cli.app import run\n"
        "run(sys.argv[1:])\n"
        "(line,) = [l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('VmHWM')]\n"
        "print(line.split()[1], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=150)
    return int(done.stderr) * 1024


def test_utf_16_is_redacted_and_stays_utf_16(tmp_path: Path) -> None:
    for jobs in "12":
        (tmp_path / "a").write_bytes("\ufeffé ada@example.com\r\n".encode("utf-16-le") + b"\x41")
        redact("-i", "--jobs", jobs, str(tmp_path / "a"))
        assert (tmp_path / "a").read_bytes() == "\ufeffé <EMAIL>\r\n".encode("utf-16-le") + b"\x41"


@pytest.mark.parametrize("extra", [(), ("--check",), ("--report",), ("--operator", "pseudonym"), ("--jsonl", "a")])
def test_jobs_change_nothing_but_the_time(tmp_path: Path, extra: tuple[str, ...]) -> None:
    big = b"".join(b'{"a": "%d user%d@example.com \xff"}\n' % (number, number % 50) for number in range(80_000))
    (tmp_path / "big").write_bytes(big)
    (tmp_path / "small").write_bytes(MAIL)
    names = [str(tmp_path / name) for name in ("small", "big", "small")]
    one, three = (redact(*extra, "--jobs", jobs, *names) for jobs in "13")
    assert (one.returncode, one.stderr) == (three.returncode, three.stderr)
    assert one.stdout == three.stdout


def test_a_closed_pipe_ends_all_processes_quietly(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(MAIL * 300_000)
    with subprocess.Popen(
        [*NEXXI, "--jobs", "2", str(tmp_path / "long")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline() == HIDDEN
        running.stdout.close()
        assert running.stderr.read() == b""  # ends when the last process has closed it
        assert running.wait(timeout=60) == 0


class Following:
    """A run of `nexxi redact --follow`."""

    def __init__(self, path: Path) -> None:
        self._running = subprocess.Popen(
            [*NEXXI, "--follow", "-q", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._running.stdout
        self.lines = self._running.stdout

    def ends(self, number: int) -> tuple[int, bytes]:
        self._running.send_signal(number)
        _, rest = self._running.communicate(timeout=30)
        return self._running.returncode, rest


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_log_is_followed_as_it_grows_rotates_and_shrinks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(MAIL)
    following = Following(log)
    assert following.lines.readline() == HIDDEN
    add(log, b"two 10.0.0.1\n")
    assert following.lines.readline() == b"two <IP>\n"
    add(log, b"last of the old\n")
    log.rename(tmp_path / "log.1")
    assert following.lines.readline() == b"last of the old\n"
    log.write_bytes(b"new " + MAIL)
    assert following.lines.readline() == b"new " + HIDDEN
    time.sleep(0.5)
    log.write_bytes(b"x\n")
    assert following.lines.readline() == b"x\n"
    assert following.ends(signal.SIGINT) == (130, b"")


@pytest.mark.parametrize("end", [lambda it: it.ends(signal.SIGTERM)[0] == 143, lambda it: it.lines.close() or True])
def test_following_ends_when_it_is_told_to_or_nobody_reads(tmp_path: Path, end: Callable[[Following], bool]) -> None:
    (tmp_path / "log").write_bytes(MAIL)
    following = Following(tmp_path / "log")
    assert following.lines.readline() == HIDDEN
    assert end(following)
    following._running.wait(timeout=30)
    assert following._running.stderr
    following._running.stderr.close()


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    following = Following(tmp_path / "log")
    time.sleep(1)
    (tmp_path / "log").write_bytes(MAIL)
    assert following.lines.readline() == HIDDEN
    assert following.ends(signal.SIGTERM)[0] == 143
