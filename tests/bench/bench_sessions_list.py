"""What `nexxi sessions list` takes as a whole: `python -m tests.bench.bench_sessions_list [--runs N] [--sessions N]`.

Each run is a process of its own, from its start to its end, in turn with the others: the list out of SQLite, out of
Redis with the archive in its file, the same with a turn that the archive has not heard of yet, and the floor: what an
interpreter takes that does nothing, and a program in C that tells its version. Redis listens on a Unix socket.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.redis_process import running_redis

LIST = [sys.executable, "-m", "nexxi_cli", "sessions", "list"]
IMPORT = [sys.executable, "-m", "nexxi_cli", "sessions", "import", "-"]
TALK = [{"role": "user", "content": "lion?"}, {"role": "assistant", "content": "steak"}]

Environ = Mapping[str, str]


def home(folder: Path, **settings: str) -> Environ:
    """An empty home in `folder`, with these variables and none other of ours."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("NEXXI_", "XDG_"))}
    return rest | {"HOME": str(folder)} | settings


def run(command: Sequence[str], environ: Environ, *, text: str = "") -> float:
    """Seconds of wall-clock time."""
    start = time.perf_counter()
    subprocess.run(command, env=environ, input=text, text=True, capture_output=True, check=True)
    return time.perf_counter() - start


def fill(environ: Environ, *, sessions: int) -> None:
    """Keep so many sessions."""
    run(IMPORT, environ, text="\n".join([json.dumps({"messages": TALK})] * sessions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=31, help="of each command")
    parser.add_argument("--sessions", type=int, default=50, help="that are listed")
    sizes = parser.parse_args()
    with running_redis() as server, TemporaryDirectory() as folder:
        sqlite = home(Path(folder) / "sqlite")
        redis = home(Path(folder) / "redis", NEXXI_REDIS_URL=server.url)
        for environ in (sqlite, redis):
            fill(environ, sessions=sizes.sessions)
        waiting = home(Path(folder) / "waiting", NEXXI_REDIS_URL=f"{server.url}?db=1")
        fill(waiting, sessions=sizes.sessions - 1)
        run(LIST, waiting)
        run(LIST, redis)
        fill(waiting, sessions=1)
        commands = {
            "sessions list, SQLite": (LIST, sqlite),
            "sessions list, Redis": (LIST, redis),
            "sessions list, Redis, after a new turn": (LIST, waiting),
            "python -c pass": ([sys.executable, "-c", "pass"], sqlite),
            "git --version": (["git", "--version"], sqlite),
        }
        times_s: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(sizes.runs):
            for name, (command, environ) in commands.items():
                times_s[name].append(run(command, environ))
    print(f"{sizes.runs} runs of each, in turn; {sizes.sessions} sessions")
    print("| command | p50 ms | min ms |\n| --- | --- | --- |")
    for name, times in times_s.items():
        print(f"| {name} | {1000 * median(times):.0f} | {1000 * min(times):.0f} |")


if __name__ == "__main__":
    main()
