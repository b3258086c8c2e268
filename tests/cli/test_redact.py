"""`nexxi redact` as a filter in a pipe."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.infrastructure.recognizers.examples import PEM

NEXXI = (sys.executable, "-m", "nexxi_cli", "redact")

pytestmark = pytest.mark.usefixtures("home")


def redact(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*NEXXI, *arguments], input=text, capture_output=True, timeout=60)


def test_standard_input_goes_to_standard_output_without_its_personal_data() -> None:
    done = redact(text=b"mail ada@example.com\nor 192.168.0.1")
    assert (done.returncode, done.stdout) == (0, b"mail <EMAIL>\nor <IP>")
    assert done.stderr == b"redacted: 1 EMAIL, 1 IP\n"


def test_what_is_compiled_is_kept_for_the_next_process(home: Path) -> None:
    for _ in range(2):
        assert redact("--jobs", "2", text=b"ada@example.com").stdout == b"<EMAIL>"
        assert len(list(home.rglob("recognizers/probes-*.hs"))) == 1


def test_quiet_says_nothing_of_it() -> None:
    assert redact("-q", text=b"ada@example.com").stderr == b""


def test_bytes_outside_of_findings_stay_as_they_are() -> None:
    rough = b"\xef\xbb\xbf\xff\x00\r\n\r \x80\xe2\x82 ada@example.com\xc3\r\n\x1b[0m\xf0\x9f\x98\x80\n\n"
    assert redact(text=rough).stdout == rough.replace(b"ada@example.com", b"<EMAIL>")


@given(st.binary(max_size=2000).filter(lambda raw: not any(char in b"0123456789@" for char in raw)))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_without_data_pass_through(raw: bytes) -> None:
    assert redact(text=raw).stdout == raw


def test_a_key_over_many_lines_is_one_finding() -> None:
    done = redact(text=f"before\n{PEM}\nafter\n".encode())
    assert done.stdout == b"before\n<SECRET>\nafter\n"
    assert done.stderr == b"redacted: 1 SECRET\n"


def test_data_on_the_border_of_two_reads_is_found() -> None:
    for shift in range(-16, 1):
        text = b"x" * ((1 << 16) + shift - 1) + b" ada@example.com "
        assert redact("-q", text=text).stdout.endswith(b"x <EMAIL> ")


def test_a_line_goes_on_as_soon_as_it_came() -> None:
    with subprocess.Popen(NEXXI, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin
        assert running.stdout
        assert running.stderr
        for number in (b"one", b"two"):
            running.stdin.write(number + b" ada@example.com\n")
            running.stdin.flush()
            assert running.stdout.readline() == number + b" <EMAIL>\n"
        running.stdin.close()
        assert running.wait(timeout=60) == 0


def test_files_come_out_one_after_the_other(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("ada@")
    two.write_text("example.com 10.0.0.1")
    assert redact(str(one), "-", str(two), text=b"+").stdout == b"ada@+example.com <IP>"


def test_check_names_places_as_a_linter_does_and_exits_3() -> None:
    done = redact("--check", text="né ada@example.com\n\nor 10.0.0.1\n".encode())
    assert done.stdout == b"<stdin>:1:4 EMAIL email.address\n<stdin>:3:4 IP ip.v4\n"
    assert (done.returncode, done.stderr) == (3, b"found: 1 EMAIL, 1 IP\n")


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        ((), b"I am Ada Lovelace from London, <EMAIL>."),
        (("--names",), b"I am <PERSON> from <LOCATION>, <EMAIL>."),
        (("--types", "person,email"), b"I am <PERSON> from London, <EMAIL>."),
        (("--types", "PERSON,ORGANIZATION,LOCATION"), b"I am <PERSON> from <LOCATION>, ada@example.com."),
        (("--types", "EMAIL", "--names"), b"I am <PERSON> from <LOCATION>, <EMAIL>."),
        (("--names", "--skip", "LOCATION"), b"I am <PERSON> from London, <EMAIL>."),
        (("--names", "--operator", "pseudonym"), b"I am <PERSON_1> from <LOCATION_1>, <EMAIL_1>."),
        (("--names", "--jobs", "2"), b"I am <PERSON> from <LOCATION>, <EMAIL>."),
    ],
)
def test_names_are_taken_out_when_they_are_asked_for(arguments: tuple[str, ...], out: bytes) -> None:
    assert redact("-q", *arguments, text=b"I am Ada Lovelace from London, ada@example.com.").stdout == out


@pytest.mark.parametrize(
    ("arguments", "loaded"), [((), b"False"), (("--types", "ADDRESS"), b"False"), (("--names",), b"True")]
)
def test_the_tagger_of_names_is_not_loaded_unless_names_are_asked_for(
    arguments: tuple[str, ...], loaded: bytes
) -> None:
    code = (
        "import sys; from nexxi_cli.cli.app import run; run(['redact', '-q', *sys.argv[1:]]);"
        " print('nexxi_cli.infrastructure.names' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], input=b"Ada from London", capture_output=True)
    assert done.stderr.strip() == loaded


def test_check_of_a_clean_text_says_nothing() -> None:
    done = redact("--check", text=b"in 2024")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_report_is_a_line_of_json_for_each_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("né ada@example.com", encoding="utf-8")
    (tmp_path / "two").write_text("nothing")
    done = redact("--report", str(tmp_path / "one"), str(tmp_path / "two"))
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first == {
        "findings": [{"start": 3, "end": 18, "type": "EMAIL", "confidence": 0.95, "rule": "email.address"}],
        "file": str(tmp_path / "one"),
    }
    assert second == {"findings": [], "file": str(tmp_path / "two")}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--types", "ip"), b"ada@example.com <IP>"),
        (("--skip", "IP"), b"<EMAIL> 10.0.0.1"),
        (("--types", "EMAIL, IP", "--skip", "EMAIL"), b"ada@example.com <IP>"),
    ],
)
def test_types_can_be_chosen(arguments: tuple[str, ...], expected: bytes) -> None:
    assert redact(*arguments, text=b"ada@example.com 10.0.0.1").stdout == expected


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("no-such-file",), 1, b"nexxi: no-such-file cannot be read: No such file or directory\n"),
        (("/",), 1, b"nexxi: / cannot be read: Is a directory\n"),
        (
            ("--types", "MAIL"),
            2,
            b"nexxi: MAIL is not a type; there are ADDRESS, BIC, BIRTH_DATE, CARD, DRIVER_LICENSE, EMAIL, GPS, IBAN,"
            b" IMEI, IP, LOCATION, MAC, NATIONAL_ID, ORGANIZATION, PASSPORT, PERSON, PHONE, SECRET, SSN, URL, WALLET\n",
        ),
        (("--check", "--report"), 2, b"nexxi: --check and --report exclude each other\n"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], code: int, words: bytes) -> None:
    done = redact(*arguments, text=b"x")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", words)


def test_nothing_is_printed_when_one_of_the_files_is_missing(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("x")
    done = redact(str(tmp_path / "one"), str(tmp_path / "two"))
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"ada@example.com\n" * 200_000)
    with subprocess.Popen([*NEXXI, str(tmp_path / "long")], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline() == b"<EMAIL>\n"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=60) == 0


def test_a_terminal_is_told_what_it_is_waited_for() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(NEXXI, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        os.close(theirs)
        assert running.stderr
        assert running.stdout
        assert running.stderr.readline() == b"reading standard input: type the text, Ctrl-D ends it\n"
        os.write(ours, b"ada@example.com\n\x04")
        assert running.stdout.read() == b"<EMAIL>\n"
        assert running.wait(timeout=60) == 0
    os.close(ours)


def test_memory_does_not_grow_with_the_text() -> None:
    code = (
        "import sys, tracemalloc\n"
        "from nexxi_cli.cli.app import run\n"
        "tracemalloc.start()\n"
        "run(['redact', '-q'])\n"
        "print(tracemalloc.get_traced_memory()[1], file=sys.stderr)"
    )
    line = b"mail ada@example.com " * 10 + b"\n"
    peaks_bytes = [
        int(subprocess.run([sys.executable, "-c", code], input=line * lines, capture_output=True).stderr)
        for lines in (500, 3_000)
    ]
    assert peaks_bytes[1] - peaks_bytes[0] < 300_000
