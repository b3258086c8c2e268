"""`nexxi serve` with the real model, and the clients that people have."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import yaml
from openai.types.chat import ChatCompletionUserMessageParam

from tests.conftest import USER_CACHE
from tests.e2e.programs import program
from tests.e2e.server import Served, served

pytestmark = pytest.mark.model

MODEL = "smollm2-135m"
PROMPT = "What is the capital of France? Answer in one word."
SECRET = "ada.lovelace@example.com"
LONG = {
    "message": "Count from 1 to 500, a number a line.",
    "stream": True,
    "save": False,
    "max_tokens": 2000,
    "temperature": 0,
}


@pytest.fixture(scope="module")
def server(real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("serve"), USER_CACHE) as server:
        yield server


def asked(server: Served, *, stream: bool) -> str:
    """What the openai package gets for the prompt, greedily."""
    messages = [ChatCompletionUserMessageParam(role="user", content=PROMPT)]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as client:
        if not stream:
            whole = client.chat.completions.create(model=MODEL, messages=messages, temperature=0, max_tokens=8)
            return whole.choices[0].message.content or ""
        chunks = client.chat.completions.create(
            model=MODEL, messages=messages, temperature=0, max_tokens=8, stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_the_openai_package_gets_the_same_answer_whole_and_streamed_each_time(server: Served) -> None:
    answers = {asked(server, stream=stream) for stream in (False, True, False, True)}
    assert len(answers) == 1
    assert answers.pop()


def test_a_session_of_the_terminal_goes_on_over_http_and_back(server: Served) -> None:
    greedy = ("-o", "temperature=0", "--max-tokens", "8", "--json")
    first = server.nexxi("chat", "--once", "I am Ada.", "--session", "travels", *greedy)
    assert first.returncode == 0, first.stderr
    session_id = json.loads(first.stdout)["session_id"]
    with server.client(server.local_key) as client:
        second = client.post(
            "/v1/chat", json={"message": "And you?", "session_id": "travels", "temperature": 0, "max_tokens": 8}
        ).json()
        assert second["session_id"] == session_id
        third = server.nexxi("chat", "--once", "Who am I?", "--session", "travels", *greedy)
        assert third.returncode == 0, third.stderr
        messages = client.get("/v1/sessions/travels").json()["messages"]
    said = [message["content"] for message in messages if message["role"] == "user"]
    assert said == ["I am Ada.", "And you?", "Who am I?"]
    with server.client() as other:
        assert other.get("/v1/sessions/travels").status_code == 404


@pytest.mark.parametrize("options", [(), ("--no-stream",)])
def test_the_llm_tool_gets_an_answer(server: Served, tmp_path: Path, options: tuple[str, ...]) -> None:
    described = {"model_id": "nexxi", "model_name": MODEL, "api_base": f"{server.url}/v1", "api_key_name": "nexxi"}
    (tmp_path / "extra-openai-models.yaml").write_text(yaml.safe_dump([described]))
    (tmp_path / "keys.json").write_text(json.dumps({"nexxi": server.key}))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "llm",
            "-m",
            "nexxi",
            PROMPT,
            "-o",
            "temperature",
            "0",
            "-o",
            "max_tokens",
            "16",
            *options,
        ],
        env=dict(server.environment) | {"LLM_USER_PATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == asked(server, stream=False).strip()


def test_curl_shows_each_piece_as_it_comes(server: Served) -> None:
    command = [program("curl"), "-sN", f"{server.url}/v1/chat", "-H", f"X-API-Key: {server.key}", "--json", "@-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdin is not None
        assert curl.stdout is not None
        curl.stdin.write(json.dumps(LONG))
        curl.stdin.close()
        events = (json.loads(line.removeprefix("data: ")) for line in curl.stdout if line.startswith("data: "))
        kinds = [next(events)["type"] for _ in range(4)]
        assert kinds == ["start", "delta", "delta", "delta"]
        assert curl.poll() is None
        curl.terminate()


def test_health_is_answered_while_the_model_writes(server: Served) -> None:
    writing = threading.Event()
    enough = threading.Event()

    def generate() -> None:
        while not enough.is_set():  # a reply may end by itself
            with server.client() as client, client.stream("POST", "/v1/chat", json=LONG) as answer:
                for line in answer.iter_lines():
                    if "delta" in line:
                        writing.set()
                    if enough.is_set():
                        return

    thread = threading.Thread(target=generate)
    thread.start()
    assert writing.wait(30)
    took: list[float] = []
    with server.client() as client:
        for _ in range(50):
            began = time.perf_counter()
            assert client.get("/health").status_code == 200
            took.append(time.perf_counter() - began)
            time.sleep(0.02)
    assert thread.is_alive()
    enough.set()
    thread.join()
    took.sort()
    print(f"/health while the model writes: median {took[25] * 1000:.1f} ms, p99 {took[-1] * 1000:.1f} ms")


def test_log_lines_are_json_without_prompts_and_keys(server: Served) -> None:
    with server.client() as client:
        client.post("/v1/chat", json={"message": f"Write to {SECRET}, please.", "save": False, "max_tokens": 4})
        client.post("/v1/chat", json={"message": 5})
    with server.client("nxi_wrong_key") as stranger:
        assert stranger.get("/v1/models").status_code == 401
    deadline = time.monotonic() + 5
    while not any('"status":401' in line.replace(" ", "") for line in server.lines()):
        assert time.monotonic() < deadline, server.lines()[-3:]
        time.sleep(0.05)
    announced, written = "nexxi serves smollm2-135m on http://127.0.0.1:", server.lines()
    lines = [line for line in written if not line.startswith(announced)]
    assert len(lines) == len(written) - 1
    documents = [json.loads(line) for line in lines]
    assert all(isinstance(document, dict) for document in documents)
    whole = "\n".join(lines)
    for unsaid in (
        PROMPT,
        SECRET,
        "Write to",
        "Count from",
        server.key,
        server.local_key,
        "nxi_wrong_key",
        "Traceback",
    ):
        assert unsaid not in whole


def test_the_check_finds_all_well_beside_a_running_server(server: Served) -> None:
    done = server.nexxi("serve", "--check", "--port", "0")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_signal_ends_it_with_0(real_model: Path, tmp_path: Path) -> None:
    with served(tmp_path, USER_CACHE) as server:
        assert asked(server, stream=False)
        assert server.ended() == 0
        assert not any("Traceback" in line for line in server.lines())
