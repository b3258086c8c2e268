"""The program as a shell runs it."""

import subprocess
import sys

Done = subprocess.CompletedProcess[str]


def nexxi(*arguments: str, text: str = "") -> Done:
    """Run `nexxi ARGUMENTS` with `text` on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "nexxi_cli", *arguments], input=text, capture_output=True, text=True, timeout=120
    )


def said(*arguments: str, text: str = "") -> str:
    """What it prints when all is well."""
    done = nexxi(*arguments, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments: str, code: int, text: str = "") -> str:
    """The one line that it says when it is not."""
    done = nexxi(*arguments, text=text)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line
