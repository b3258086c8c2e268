"""The two commands of README.md, as a stranger runs them: `python -m tests.fresh_clone`.

Each runs in a clone of HEAD and with an empty home, both in a temporary folder. It takes some minutes and several GB.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.test_readme import ROOT, code_lines


def main() -> None:
    """Run both; end with 1 unless the first says Paris and the second passes."""
    answer, tests = code_lines()[0], next(line for line in code_lines() if line.endswith("-m pytest"))
    is_well = "Paris" in run(answer)[1]
    print(f"-> the answer {'says' if is_well else 'does not say'} Paris", flush=True)
    code, _ = run(tests)
    print(f"-> the tests end with {code}", flush=True)
    sys.exit(0 if is_well and code == 0 else 1)


def run(command: str) -> tuple[int, str]:
    """Run a command in a fresh clone, show what it prints, and return its exit code and that."""
    with tempfile.TemporaryDirectory() as folder:
        clone, home = Path(folder) / "nexxi", Path(folder) / "home"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        home.mkdir()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "NEXXI_", "VIRTUAL_"))
        }
        print(f"$ {command}", flush=True)
        began = time.monotonic()
        with subprocess.Popen(
            ["bash", "-c", command],
            cwd=clone,
            env={**kept, "HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        print(f"-> {time.monotonic() - began:.0f} s", flush=True)
        return process.returncode, "".join(lines)


if __name__ == "__main__":
    main()
