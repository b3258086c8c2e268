"""The Dockerfile: linted, without root and secrets, and of one mind with the project."""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nexxi_cli import __version__

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions() -> list[tuple[str, str]]:
    """Each instruction and what follows it, in one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line.strip()]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def healthcheck() -> list[str]:
    (check,) = of("HEALTHCHECK")
    command: list[str] = json.loads(check.partition("CMD ")[2])
    return command


def test_hadolint_finds_nothing_to_complain_of() -> None:
    command = [Path(sys.executable).with_name("hadolint"), "--failure-threshold", "style", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_it_has_a_builder_and_a_runtime_of_the_same_base() -> None:
    builder, runtime = of("FROM")
    assert (builder.partition(" AS ")[::2], runtime.partition(" AS ")[::2]) == (
        ("debian:${DEBIAN}", "builder"),
        ("debian:${DEBIAN}", "runtime"),
    )


def test_it_runs_as_a_user_of_a_fixed_number_who_is_not_root() -> None:
    assert of("USER") == ["10001:10001"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER") :]


def test_what_it_runs_gets_the_signals() -> None:
    assert json.loads(of("ENTRYPOINT")[0]) == ["tini", "--", "nexxi"]
    assert json.loads(of("CMD")[0]) == ["serve"]
    assert of("STOPSIGNAL") == ["SIGTERM"]


def test_only_sources_come_in_and_only_what_was_installed_goes_on() -> None:
    allowed = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert allowed == {"LICENSE", "README.md", "nexxi_cli", "pyproject.toml"}
    copied = [rest.split() for rest in of("COPY")]
    assert {name for *names, _ in copied for name in names} == allowed | {"--from=builder", "/opt/nexxi"}
    assert of("ADD") == []


def test_no_layer_takes_a_secret() -> None:
    given = [*of("ARG"), *re.findall(r"(\w+)=", of("ENV")[-1])]
    assert [name for name in given if re.search("key|secret|token|password", name, re.IGNORECASE)] == []


def test_torch_is_the_one_that_the_project_asks_for_from_the_index_that_is_told() -> None:
    (wanted,) = (need for need in PROJECT["dependencies"] if need.startswith("torch>"))
    assert f"${{TORCH_INDEX:+--index-url \"${{TORCH_INDEX}}\"}} '{wanted}'" in DOCKERFILE
    assert "TORCH_INDEX=" in of("ARG")


def test_the_labels_say_what_it_is() -> None:
    (labels,) = of("LABEL")
    named = dict(re.findall(r'org\.opencontainers\.image\.(\S+?)="([^"]*)"', labels))
    assert {"title", "description", "licenses", "version", "revision", "created", "base.name"} == set(named)
    assert (named["title"], named["licenses"]) == (PROJECT["name"], PROJECT["license"])
    assert f"VERSION={__version__}" in of("ARG")


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on a port that answers `GET /ready` so, and anything else with 404."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/ready" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_it_is_healthy_when_it_takes_requests(status: int, code: int) -> None:
    program, *arguments = healthcheck()
    assert program == "python"
    with answering(status) as port:
        environment = {**os.environ, "NEXXI_PORT": str(port)}
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, timeout=30)
    assert done.returncode == code
