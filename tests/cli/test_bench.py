"""`nexxi chat --bench`: a table of what was measured, no session, and nothing beside it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexxi_cli.cli.bench import rows_of
from nexxi_cli.service.speed import Speeds
from tests.cli.engines import Chats
from tests.cli.nexxi import nexxi, refused, said
from tests.http.upstream_process import UpstreamProcess, upstream_process
from tests.infrastructure.models.tiny import tiny_model, write_folder

pytestmark = pytest.mark.usefixtures("home")

LABELS = ["model", "engine", "prompt", "first token", "one reply", "4 together", "memory"]
SPEEDS = Speeds("m", "an engine", 300, 1234.56, 39, 0.0414, 128, 131.25, 4, None)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model whose tokens are letters, with a context that the prompt fits into."""
    model = tiny_model()
    model.config.max_position_embeddings = 4096
    return write_folder(tmp_path_factory.mktemp("bench") / "tiny", model)


@pytest.fixture(scope="module")
def server() -> Iterator[UpstreamProcess]:
    with upstream_process() as server:
        yield server


def test_a_pipe_gets_a_line_a_figure_and_progress_goes_to_standard_error(tiny: Path) -> None:
    done = nexxi("chat", "--bench", "-m", str(tiny), "-o", "threads=1", text="what is piped is not read\n")
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [label for label, _ in rows] == LABELS
    shown = dict(map(tuple, rows))
    assert (shown["model"], shown["engine"].split(",")[0]) == (str(tiny), "Nexxi's own")
    assert "threads: 1" in shown["engine"]
    assert all("tokens/s" in shown[label] for label in ("prompt", "4 together"))
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["measuring"] * 4


@pytest.mark.slow
def test_it_measures_what_quantize_says_and_quiet_is_quiet(tiny: Path) -> None:
    done = nexxi("chat", "--bench", "-q", "-m", str(tiny), "-o", "quantize=int8")
    assert (done.returncode, done.stderr) == (0, "")
    assert "int8 for decoding, bf16 for prompts, not compiled" in done.stdout


def test_json_has_the_figures_as_numbers(server: UpstreamProcess) -> None:
    document = json.loads(said("chat", "--bench", "--json", "-o", f"model_server={server.url}"))
    assert (document["model"], document["engine"]) == ("scripted", f"a model server: {server.url}")
    assert document["prompt_tokens_per_s"] > 0
    assert document["peak_memory_bytes"] > 10e6


@pytest.mark.slow
def test_a_warm_engine_is_measured_by_the_name_of_what_it_is(home: Path, tiny: Path) -> None:
    chats = Chats(home, tiny)
    pid = chats.keep()
    try:
        assert f"a warm engine, pid {pid}: Nexxi's own, " in said("chat", "--bench", "-m", str(tiny))
    finally:
        chats.stop()


def test_nothing_is_kept(home: Path, tiny: Path) -> None:
    said("chat", "--bench", "-q", "-m", str(tiny))
    assert said("sessions", "list") == ""
    assert json.loads(said("sessions", "list", "--json")) == []


@pytest.mark.parametrize(
    ("beside", "named"),
    [
        (["--once"], "--once"),
        (["hello"], "the prompt"),
        (["-f", "/dev/null"], "--file"),
        (["-c"], "--continue"),
        (["--session", "s", "--once", "hi"], "--once, the prompt, --session"),
        (["--private"], "--private"),
    ],
)
def test_it_goes_with_no_prompt_and_no_session(beside: list[str], named: str) -> None:
    line = refused("chat", "--bench", *beside, code=2)
    assert line == f"nexxi: --bench asks a prompt of its own and keeps nothing: leave out {named}"


def test_what_is_wrong_with_the_model_ends_it_as_any_chat() -> None:
    assert "no-such-model" in refused("chat", "--bench", "-m", "no-such-model", code=1)
    line = refused("chat", "--bench", "--json", "-o", "model_server=http://127.0.0.1:1/v1", code=6)
    assert json.loads(line)["error"]["exit_code"] == 6


def test_a_context_that_is_too_short_is_a_usage_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "short", tiny_model())
    assert "has a context of 64 tokens: to measure it takes" in refused("chat", "--bench", "-m", str(folder), code=2)


def test_figures_are_told_in_words() -> None:
    assert rows_of(SPEEDS, 612_000_000) == [
        ("model", "m"),
        ("engine", "an engine"),
        ("prompt", "1,234.6 tokens/s (300 tokens)"),
        ("first token", "41 ms (prompt of 39 tokens)"),
        ("one reply", "131.2 tokens/s (128 tokens, greedy)"),
        ("4 together", "one after the other"),
        ("memory", "612 MB at the most (this process)"),
    ]


def test_the_peak_is_that_of_its_process() -> None:
    touched = "block = bytearray(300_000_000); block[::4096] = b'x' * len(block[::4096]); del block"
    program = f"from nexxi_cli.cli.bench import peak_memory_bytes; {touched}; print(peak_memory_bytes())"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert 300_000_000 < int(told) < 900_000_000
