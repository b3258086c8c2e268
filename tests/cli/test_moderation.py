"""Moderation on the command line: refusals, notes, the doctor, and what it costs those who do not use it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from socket import create_server

import pytest

from tests.cli.nexxi import nexxi, refused, said
from tests.infrastructure.models.fake_hub import FakeHub, running
from tests.infrastructure.models.tiny import tiny_model, write_folder

MODULES = (
    "nexxi_cli.core.moderation nexxi_cli.service.moderation nexxi_cli.infrastructure.models.classifier"
    " nexxi_cli.infrastructure.models.windows"
)


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_folder(tmp_path_factory.mktemp("chat") / "model", tiny_model()))


@pytest.fixture
def moderated(home: Path, multi_label_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose settings name the classifier."""
    monkeypatch.setenv("NEXXI_MODERATION_MODEL", str(multi_label_model))
    monkeypatch.setenv("NEXXI_MODERATION_LABELS", "threat=block,insult=flag:0.8")
    return multi_label_model


def asked(model: str, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return nexxi("chat", "--once", "-m", model, "--max-tokens", "3", *arguments, text)


@pytest.mark.usefixtures("moderated")
def test_what_blocks_is_exit_3_and_names_the_label(chat_model: str) -> None:
    line = refused("chat", "--once", "-m", chat_model, "I kill you", code=3)
    assert line == "nexxi: the safety filter refused the text (moderation: threat 0.99)"


@pytest.mark.usefixtures("moderated")
@pytest.mark.slow
def test_what_is_flagged_is_said_on_stderr_and_answered(chat_model: str) -> None:
    done = asked(chat_model, "What is tea, you fool?")
    assert done.returncode == 0, done.stderr
    assert "noticed in the prompt: moderation: insult 0.99" in done.stderr
    calm = asked(chat_model, "What is tea?")
    assert calm.returncode == 0
    assert "moderation" not in calm.stderr


@pytest.mark.usefixtures("moderated")
@pytest.mark.slow
def test_a_label_that_the_model_has_not_is_exit_2(chat_model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_MODERATION_LABELS", "toxci=block")
    line = refused("chat", "--once", "-m", chat_model, "What is tea?", code=2)
    assert "has no label 'toxci'; its labels are threat, insult, calm" in line


@pytest.mark.usefixtures("moderated")
@pytest.mark.slow
def test_an_imported_conversation_is_judged_too() -> None:
    talk = {"messages": [{"role": "user", "content": "I kill you"}, {"role": "assistant", "content": "No."}]}
    assert nexxi("sessions", "import", "-", text=json.dumps(talk)).returncode == 3


def test_the_doctor_shows_what_the_labels_mean(moderated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"ok      moderation {moderated}: threat blocks from 0.5, insult flags from 0.8" in said("doctor")
    monkeypatch.setenv("NEXXI_MODERATION_LABELS", "toxci=block")
    done = nexxi("doctor")
    assert done.returncode == 6
    assert "has no label 'toxci'" in done.stdout
    monkeypatch.setenv("NEXXI_MODERATION_MODEL", "test/tiny")
    assert "warning moderation test/tiny is not fetched yet" in said("doctor")


@pytest.mark.usefixtures("moderated")
@pytest.mark.slow
def test_the_check_of_a_server_loads_it(chat_model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXXI_API_KEY", "a-key-of-the-tests")
    arguments = ("serve", "--check", "--port", "0", "--model", chat_model)
    assert "ok      moderation" in said(*arguments)
    monkeypatch.setenv("NEXXI_MODERATION_MODEL", chat_model)
    done = nexxi(*arguments)
    assert done.returncode == 6
    assert "is no text classifier, but a LlamaForCausalLM" in done.stdout


def test_a_hub_that_cannot_be_reached_ends_the_server_soon(
    home: Path, chat_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXXI_API_KEY", "a-key-of-the-tests")
    monkeypatch.setenv("NEXXI_MODERATION_MODEL", "test/tiny")
    for variable in ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    with create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")  # accepts, and says nothing
        began = time.monotonic()
        done = nexxi("serve", "--port", "0", "--model", chat_model)
    assert time.monotonic() - began < 40  # the 8 s of the hub, and a start on a busy machine
    assert done.returncode == 6
    line = done.stderr.splitlines()[-1]
    assert "moderation_model: the model hub cannot be reached for test/tiny" in line
    assert line.endswith("or use a local folder")


@pytest.mark.slow
def test_a_model_of_the_hub_is_fetched_once(
    home: Path, chat_model: str, multi_label_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXXI_API_KEY", "a-key-of-the-tests")
    monkeypatch.setenv("NEXXI_MODERATION_MODEL", "test/tiny")
    for variable in ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    with running(FakeHub(multi_label_model)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert "test/tiny loads" in said("serve", "--check", "--port", "0", "--model", chat_model)
    assert "threat blocks from 0.5" in said("doctor")
    refused("chat", "--once", "-m", chat_model, "I kill you", code=3)


def test_without_the_setting_nothing_of_it_is_loaded(home: Path, chat_model: str) -> None:
    code = (
        "import sys; from nexxi_cli.cli.app import run; code = run(sys.argv[1:]); "
        f"print('LOADED', sorted(set({MODULES!r}.split()[1:]) & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "chat", "--once", "-m", chat_model, "--max-tokens", "3", "What is tea?"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "LOADED []" in done.stderr
