"""Imports run downwards only, and heavy libraries load only where they are needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nexxi_cli"

# room -> rooms of ours that it may import; `wiring` may import all, the front doors reach implementations through it
MAY_IMPORT = {
    "core": {"core"},
    "service": {"core", "service"},
    "infrastructure": {"core", "infrastructure"},
    "observability": {"core", "observability"},
    "http": {"core", "service", "observability", "http", "wiring"},
    "cli": {"core", "service", "observability", "cli", "http", "wiring"},
    "wiring": {"core", "service", "infrastructure", "observability", "wiring"},
    "__main__": {"cli"},
    "__init__": {"wiring"},
}
HEAVY = {"torch", "transformers", "fastapi", "sqlalchemy", "redis", "huggingface_hub"}


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_a_file_imports_only_the_rooms_below_it(path: Path) -> None:
    rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("nexxi_cli.")}
    assert rooms <= MAY_IMPORT[room_of(path)]


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) in ("core", "service")], ids=str)
def test_core_and_service_know_no_third_party_library_but_pydantic(path: Path) -> None:
    foreign = {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names) - {"nexxi_cli"}
    assert foreign <= ({"pydantic"} if room_of(path) == "core" else set())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["sessions", "list"], ["redact"], ["models", "list"]], ids=" ".join
)
def test_light_commands_load_no_heavy_library(arguments: list[str], home: Path) -> None:
    code = (
        "import sys; from nexxi_cli.cli.app import run; code = run(sys.argv[1:]); "
        f"print('LOADED', sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], input="", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "LOADED []" in done.stderr
