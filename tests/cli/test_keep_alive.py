"""`nexxi chat --keep-alive`: an engine stays, the next chats use it, and no chat misses one that is gone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nexxi_cli.cli.startup import read_settings
from nexxi_cli.core.errors import SettingsError
from tests.cli.engines import Chats, end, engine_check, is_running, pid_of, until, used_none
from tests.cli.nexxi import nexxi, refused, said
from tests.infrastructure.models.tiny import tiny_model, write_folder

HEAVY = ("torch", "transformers", "tokenizers", "httpx", "fastapi", "loguru")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("kept") / "tiny", tiny_model())


@pytest.fixture
def chats(home: Path, model: Path) -> Iterator[Chats]:
    chats = Chats(home, model)
    yield chats
    chats.stop()


@pytest.mark.slow
def test_the_next_chats_are_answered_by_what_the_first_has_left(chats: Chats) -> None:
    alone = chats.ask("a")
    assert used_none(alone)
    first = chats.ask("--keep-alive", "60s", "a")
    assert first.stdout == alone.stdout  # the engine answers the chat that has started it, too
    for _ in range(2):
        done = chats.ask("a")
        assert (done.stdout, pid_of(done)) == (alone.stdout, pid_of(first))
    assert "ModelLoaded" in chats.log


def test_the_engine_is_cut_loose_from_the_chat(chats: Chats) -> None:
    pid = chats.keep()
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    assert int(stat[3]) == pid  # a session of its own (proc(5))
    opened = {number: str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)}
    assert opened == {0: os.devnull, 1: os.devnull, 2: str(chats.home / "state" / "nexxi" / "engine.log")}
    assert Path(f"/proc/{pid}/cwd").readlink() in (Path("/"), Path.cwd())


def test_no_secret_of_the_settings_reaches_the_engine(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_API_KEY", "hunter2-of-the-api")
    monkeypatch.setenv("HF_TOKEN", "hunter2-of-the-hub")
    environment = Path(f"/proc/{chats.keep()}/environ").read_bytes()
    assert b"hunter2" not in environment
    assert b"NEXXI_KEEP_ALIVE=60s" in environment


def test_a_chat_with_an_engine_loads_no_heavy_library(chats: Chats) -> None:
    chats.keep()
    code = (
        "import sys; from nexxi_cli.cli.app import run; code = run(sys.argv[1:]); "
        f"print('LOADED', *({set(HEAVY)!r} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "chat", "--once", "-m", str(chats.model), "-o", "max_tokens=2", "a"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr.rpartition("LOADED")[2].split() == []


@pytest.mark.slow
def test_it_ends_when_no_chat_has_come_for_so_long(chats: Chats) -> None:
    pid = chats.keep("1s")
    until(lambda: not is_running(pid))
    assert chats.sockets == []
    assert used_none(chats.ask("a"))


@pytest.mark.slow
def test_a_second_chat_can_have_it_stay_longer(chats: Chats) -> None:
    pid = chats.keep("30s")
    assert "s unless it is asked" in engine_check()
    assert chats.keep("2h") == pid
    assert "ends in 1h" in engine_check()


def test_chats_that_begin_at_once_leave_one_engine(chats: Chats) -> None:
    begun = [chats.begin("--keep-alive", "60s", "a") for _ in range(3)]
    answers = {process.communicate(timeout=120)[0] for process in begun}
    assert {process.returncode for process in begun} == {0}
    assert len(answers) == 1
    (socket,) = chats.sockets
    assert engine_check().count("pid") == 1
    assert socket.exists()


def test_sigterm_ends_it_and_leaves_nothing(chats: Chats) -> None:
    pid = chats.keep("3d")
    assert "ends in 2d" in engine_check()
    end(pid, signal.SIGTERM)
    assert list((chats.home / "state" / "nexxi" / "run").iterdir()) == []


@pytest.mark.slow
def test_a_chat_does_not_miss_an_engine_that_was_killed_and_another_can_follow(chats: Chats) -> None:
    pid = chats.keep()
    end(pid, signal.SIGKILL)
    assert len(chats.sockets) == 1
    assert used_none(chats.ask("a"))
    assert "none is warm" in engine_check()
    assert chats.keep() != pid


@pytest.mark.slow
def test_a_stopped_engine_costs_a_chat_three_seconds_and_not_its_answer(chats: Chats) -> None:
    pid = chats.keep()
    os.kill(pid, signal.SIGSTOP)
    try:
        done = chats.ask("a")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert used_none(done)
    assert "WarmEngineLost" in done.stderr


@pytest.mark.slow
def test_another_model_or_another_way_to_hold_it_is_not_answered_by_it(chats: Chats, tmp_path: Path) -> None:
    chats.keep()
    assert used_none(chats.ask("-o", "quantize=f32", "a"))
    assert used_none(chats.ask("-o", "threads=1", "a"))
    other = Chats(chats.home, write_folder(tmp_path / "other", tiny_model(seed=1)))
    assert used_none(other.ask("a"))
    assert pid_of(other.ask("--keep-alive", "60s", "a")) != pid_of(chats.ask("a"))  # two stay beside each other
    assert engine_check().count("pid") == 2


@pytest.mark.slow
def test_a_model_whose_files_have_changed_is_loaded_anew(home: Path, tmp_path: Path) -> None:
    chats = Chats(home, write_folder(tmp_path / "changing", tiny_model()))
    before = chats.keep()
    write_folder(chats.model, tiny_model(seed=1))
    assert used_none(chats.ask("a"))
    assert chats.keep() != before
    assert nexxi("models", "stop").returncode == 0


def test_a_relative_name_stands_for_the_same_model(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(chats.model.parent)
    near = Chats(chats.home, Path("tiny"))
    assert pid_of(near.ask("--keep-alive", "60s", "a")) == pid_of(chats.ask("a"))


@pytest.mark.slow
def test_sessions_schemas_private_chats_and_figures_are_as_without_it(chats: Chats) -> None:
    chats.keep()
    schema = chats.ask("--schema", "json", "-o", "max_tokens=40", "a")
    assert pid_of(schema)
    done = chats.ask("--session", "s", "-u", "--private", "b@c.de")
    assert "redacted in the prompt: 1 EMAIL" in done.stderr
    assert " tokens, first token " in done.stderr
    assert "<EMAIL_1>" in said("sessions", "show", "s")
    assert pid_of(chats.ask("--session", "s", "b"))
    assert "WarmEngineUsed" in nexxi(*chats.command("-n", "--json", "a")).stderr


@pytest.mark.slow
def test_what_the_model_refuses_is_told_as_without_it(chats: Chats, tmp_path: Path) -> None:
    chats.keep()
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "ship"}))
    for arguments in (("--schema", str(schema), "a"), ("a" * 300,)):
        warm = nexxi(*chats.command(*arguments))
        assert warm.returncode == 2
        assert pid_of(warm)
        assert (
            warm.stderr.splitlines()[-1] == nexxi(*chats.command("-o", "threads=1", *arguments)).stderr.splitlines()[-1]
        )


def test_a_model_that_cannot_be_had_is_told_as_that_and_no_engine_stays(chats: Chats, tmp_path: Path) -> None:
    assert "there is no model 'nosuch'" in refused("chat", "--once", "--keep-alive", "1m", "-m", "nosuch", "a", code=1)
    broken = write_folder(tmp_path / "broken", tiny_model())
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    done = nexxi("chat", "--once", "-v", "--keep-alive", "1m", "-m", str(broken), "a")
    assert done.returncode == 6
    assert "cannot be read" in done.stderr
    until(lambda: not chats.sockets)
    assert "cannot be read" in chats.log


def test_a_place_that_cannot_be_used_is_told_and_the_chat_goes_on(chats: Chats, tmp_path: Path) -> None:
    (chats.home / "state" / "nexxi").mkdir(parents=True)
    (chats.home / "state" / "nexxi" / "run").symlink_to(tmp_path)
    done = chats.ask("--keep-alive", "1m", "a")
    assert used_none(done)
    assert "the model does not stay loaded: " in done.stderr
    assert done.stdout


def test_with_a_model_server_no_engine_is_looked_for(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    chats.keep()
    monkeypatch.setenv("NEXXI_MODEL_SERVER", "http://127.0.0.1:1/v1")
    done = nexxi(*chats.command("--keep-alive", "1m", "a"))
    assert (done.returncode, used_none(done)) == (6, True)


@pytest.mark.slow
def test_stop_ends_what_stays_and_says_what_it_was(chats: Chats) -> None:
    pid = chats.keep()
    assert "no engine of other stays loaded" in refused("models", "stop", "other", code=1)
    assert nexxi("models", "stop", str(chats.model)).stderr == f"stopped {chats.model} (pid {pid})\n"
    until(lambda: not is_running(pid))
    assert "no engine stays loaded" in refused("models", "stop", code=1)


@pytest.mark.slow
def test_a_chat_that_is_interrupted_leaves_the_engine_to_others(chats: Chats) -> None:
    pid = chats.keep()
    process = chats.begin("-o", "max_tokens=1000", "a")
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert pid_of(chats.ask("a")) == pid


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("90s", 90), ("10m", 600), ("2h", 7200)])
def test_how_long_is_a_number_and_a_unit(home: Path, monkeypatch: pytest.MonkeyPatch, text: str, seconds: int) -> None:
    assert read_settings({"keep_alive": text}).keep_alive.total_seconds() == seconds
    monkeypatch.setenv("NEXXI_KEEP_ALIVE", text)
    assert read_settings({}).keep_alive.total_seconds() == seconds


@pytest.mark.parametrize("text", ["10", "-1m", "soon", "1.5h"])
def test_what_is_no_time_is_refused(home: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=f"--keep-alive: write a time such as .*, not '{text}'"):
        read_settings({"keep_alive": text})


def test_a_running_server_answers_chats_and_is_not_ended_by_stop(
    chats: Chats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEXXI_API_KEY", "the-key-of-this-test")
    alone = chats.ask("a").stdout
    command = [sys.executable, "-m", "nexxi_cli", "serve", "--port", "0", "-m", str(chats.model)]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            until(lambda: "EngineShared" in (tmp_path / "log").read_text())
            done = chats.ask("a")
            assert (done.stdout, pid_of(done)) == (alone, server.pid)
            assert pid_of(chats.ask("--keep-alive", "1s", "a")) == server.pid
            assert "of `nexxi serve`" in engine_check()
            assert "belongs to `nexxi serve`" in refused("models", "stop", str(chats.model), code=2)
        finally:
            server.terminate()
        assert server.wait(60) == 0
    assert chats.sockets == []
