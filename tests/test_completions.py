"""The completion scripts are those that the command line generates, and complete what it knows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.completion import get_completion_script

ROOT = Path(__file__).parents[1]
SCRIPTS = {"bash": "nexxi.bash", "zsh": "_nexxi", "fish": "nexxi.fish", "powershell": "nexxi.ps1"}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_is_the_one_that_is_generated(shell: str) -> None:
    expected = get_completion_script(prog_name="nexxi", complete_var="_NEXXI_COMPLETE", shell=shell)
    assert (ROOT / "completions" / SCRIPTS[shell]).read_text() == expected + "\n"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("nexxi se", "serve sessions"),
        ("nexxi sessions l", "list"),
        ("nexxi chat --temp", "--temperature"),
        ("nexxi zzz", ""),
    ],
)
def test_bash_completes_commands_and_options(words: str, completed: str) -> None:
    script = (
        f"source {ROOT}/completions/nexxi.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1));"
        ' _nexxi_completion nexxi; echo "${COMPREPLY[*]}"'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.stdout.strip() == completed
