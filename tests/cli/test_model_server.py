"""`nexxi` in front of a model server, as its user runs it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.nexxi import nexxi, refused, said
from tests.http.upstream_process import UpstreamProcess, upstream_process

pytestmark = pytest.mark.usefixtures("home")

REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def running() -> Iterator[UpstreamProcess]:
    with upstream_process() as server:
        yield server


@pytest.fixture
def server(running: UpstreamProcess, monkeypatch: pytest.MonkeyPatch) -> UpstreamProcess:
    monkeypatch.setenv("NEXXI_MODEL_SERVER", running.url)
    return running


def test_a_chat_is_answered_by_the_only_model_there_is_and_goes_on(server: UpstreamProcess) -> None:
    first = json.loads(said("chat", "--once", "--json", "Why?", "--session", "s"))
    assert (first["response"], first["model"]) == ("The capital of France is Paris.", "scripted")
    assert said("chat", "--once", "-c", "-m", "scripted", "And?") == "The capital of France is Paris.\n"


def test_a_tgi_answers_by_its_own_api_and_the_doctor_tells_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with upstream_process(kind="tgi_upstream") as tgi:
        monkeypatch.setenv("NEXXI_MODEL_SERVER", tgi.url)
        answer = json.loads(said("chat", "--once", "--json", "Why?"))
        told = said("doctor")
    assert (answer["response"], answer["model"]) == ("The capital of France is Paris.", "scripted")
    assert f"{tgi.url.removeprefix('tgi+')} has scripted (4,096 tokens)" in told


def test_a_model_that_the_server_lacks_is_one_line_with_those_it_has(server: UpstreamProcess) -> None:
    assert f"{server.url} has no model 'x': it has scripted" in refused("chat", "--once", "-m", "x", "Why?", code=1)
    done = nexxi("serve", "-p", "0", "-m", "x", "--insecure-no-auth")
    assert (done.returncode, "it has scripted" in done.stderr.splitlines()[-1]) == (1, True)


def test_a_server_that_is_down_ends_with_6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_MODEL_SERVER", "http://127.0.0.1:1/v1")
    assert "http://127.0.0.1:1/v1 cannot be reached" in refused("chat", "--once", "Why?", code=6)


def test_neither_torch_nor_transformers_is_loaded(server: UpstreamProcess) -> None:
    code = (
        "import sys; from nexxi_cli.cli.app import run; run(['chat', '--once', 'Why?']); "
        "print('LOADED', *({'torch', 'transformers', 'httpx'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], input="", capture_output=True, text=True)
    assert done.stderr.rpartition("LOADED")[2].split() == ["httpx"], done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["sessions", "list"], ["models", "list"]], ids=" ".join)
def test_httpx_is_loaded_by_no_command_that_needs_no_model_server(arguments: list[str]) -> None:
    code = (
        "import sys; from nexxi_cli.cli.app import run; run(sys.argv[1:]); "
        "print('LOADED', 'httpx' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], input="", capture_output=True, text=True)
    assert "LOADED False" in done.stderr


def test_the_doctor_says_of_each_server_whether_it_answers_and_what_it_has(
    server: UpstreamProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"ok      model     {server.url} has scripted (4,096 tokens)" in said("doctor")
    monkeypatch.setenv("NEXXI_MODEL_SERVER", f"{server.url},http://127.0.0.1:1/v1")
    done = nexxi("doctor", "--json")
    assert done.returncode == 6
    states = [check["state"] for check in json.loads(done.stdout)["checks"] if check["name"] == "model"]
    assert states == ["ok", "down"]
    monkeypatch.setenv("NEXXI_MODEL", "x")
    assert "but not x" in nexxi("doctor").stdout


def test_the_key_of_a_server_is_shown_nowhere(server: UpstreamProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_MODEL_SERVER_KEY", "hunter2-hunter2")
    for arguments in (("doctor",), ("doctor", "--json"), ("chat", "--once", "-v", "--debug", "Why?")):
        done = nexxi(*arguments)
        assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "url", ["vllm:8000", "ftp://host/v1", "http://", "http://me:pw@host/v1", "http://host/v1?key=1"]
)
def test_an_address_that_is_none_is_a_usage_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_MODEL_SERVER", url)
    assert "NEXXI_MODEL_SERVER: should be http://host:port/v1" in refused("chat", "--once", "Why?", code=2)


def test_workers_without_a_model_server_are_refused_with_the_reason_and_the_way_out() -> None:
    line = refused("serve", "--workers", "2", "--insecure-no-auth", code=2)
    assert "load the model anew" in line
    assert "NEXXI_MODEL_SERVER" in line


def test_workers_without_redis_are_refused_with_the_reason_and_the_way_out(server: UpstreamProcess) -> None:
    line = refused("serve", "--workers", "2", "--insecure-no-auth", code=2)
    assert "share quotas and sessions" in line
    assert "NEXXI_REDIS_URL" in line


def test_workers_that_cannot_serve_say_why_once_and_end_with_its_code(
    server: UpstreamProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXXI_REDIS_URL", REDIS)
    done = nexxi("serve", "--workers", "3", "-p", "0", "-m", "x", "--insecure-no-auth")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "it has scripted" in line] == [
        f"nexxi: {server.url} has no model 'x': it has scripted"
    ]
    keyless = nexxi("serve", "--workers", "3", "-p", "0")
    assert keyless.returncode == 2
    assert keyless.stderr.count("nexxi keys create") == 1


def test_the_check_asks_the_server(server: UpstreamProcess, tmp_path: Path) -> None:
    words = said("serve", "--check", "-p", "0", "--insecure-no-auth")
    assert "scripted answers; its context is 4096 tokens" in words
