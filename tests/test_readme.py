"""What the README promises to a stranger is what the project does."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def code_lines(language: str = "sh") -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    assert len(commands) == 1
    assert commands[0] in code_lines()


def test_the_first_command_of_the_readme_sets_up_and_answers() -> None:
    question = '.venv/bin/nexxi chat --once "What is the capital of France?"'
    assert code_lines()[0] == f"python3 -m venv .venv && .venv/bin/pip install . && {question}"


def test_the_readme_names_every_command_and_setting() -> None:
    from nexxi_cli.cli.app import app
    from nexxi_cli.core.settings import Settings

    commands = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    assert [name for name in commands if f"`nexxi {name}" not in README] == []
    assert [name for name in Settings.model_fields if f"`{name}`" not in README] == []
