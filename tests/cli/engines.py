"""Chats of a tiny model, each a process of its own, and the engines that they leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cli.nexxi import Done, nexxi

PATIENCE_S = 60.0
PLAIN = ("--temperature", "0", "-o", "max_tokens=8")


@dataclass(frozen=True)
class Chats:
    """The chats of one home with the model in this folder."""

    home: Path
    model: Path

    @property
    def sockets(self) -> list[Path]:
        return list((self.home / "state" / "nexxi" / "run").glob("*.sock"))

    @property
    def log(self) -> str:
        return (self.home / "state" / "nexxi" / "engine.log").read_text()

    def command(self, *arguments: str) -> list[str]:
        return ["chat", "--once", "-v", "-m", str(self.model), *PLAIN, *arguments]

    def ask(self, *arguments: str) -> Done:
        """One chat of which all is well."""
        done = nexxi(*self.command(*(arguments or ("a",))))
        assert done.returncode == 0, done.stderr
        return done

    def keep(self, span: str = "60s") -> int:
        """Leave an engine behind; its process."""
        return pid_of(self.ask("--keep-alive", span, "a"))

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """A chat whose end is not waited for."""
        command = [sys.executable, "-m", "nexxi_cli", *self.command(*arguments)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def stop(self) -> None:
        """End what is left, if anything is."""
        nexxi("models", "stop")


def pid_of(done: Done) -> int:
    """The process of the engine that answered a chat."""
    (line,) = [line for line in done.stderr.splitlines() if "WarmEngineUsed" in line]
    return int(line.rpartition("pid=")[2])


def used_none(done: Done) -> bool:
    return "WarmEngineUsed" not in done.stderr


def engine_check() -> str:
    """What the doctor says of engines."""
    checks = json.loads(nexxi("doctor", "--json").stdout)["checks"]
    (detail,) = [str(check["detail"]) for check in checks if check["name"] == "engine"]
    return detail


def is_running(pid: int) -> bool:
    """Whether there is such a process. One that only waits to be reaped is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def end(pid: int, number: signal.Signals) -> None:
    """Send a signal, and wait until the process is gone."""
    os.kill(pid, number)
    until(lambda: not is_running(pid))
