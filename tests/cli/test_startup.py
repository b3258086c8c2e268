"""What a command loads before it does anything: start-up is felt each time."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("home")

WATCHED = ("pydantic", "rich", "prompt_toolkit", "asyncio", "loguru", "torch", "transformers")


def loaded(*arguments: str) -> set[str]:
    """Those of the watched libraries that the command has loaded when it ends."""
    code = (
        "import sys; from nexxi_cli.cli.app import run; run(sys.argv[1:]); "
        f"print('LOADED', *({set(WATCHED)!r} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    return set(done.stderr.rpartition("LOADED")[2].split())


def test_the_version_needs_no_library() -> None:
    assert loaded("--version") <= {"asyncio"}


def test_a_list_of_sessions_in_a_pipe_renders_nothing() -> None:
    assert loaded("sessions", "list").isdisjoint({"rich", "prompt_toolkit", "loguru", "torch", "transformers"})


def test_a_prompt_that_is_none_is_refused_before_the_model_loads() -> None:
    assert loaded("chat", "--once").isdisjoint({"rich", "prompt_toolkit", "torch", "transformers"})
