"""Several processes that share one limit."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.redis_process import RedisProcess

ROOT = Path(__file__).parents[2]
PROCESSES = 4


def test_of_two_hundred_in_four_processes_who_ask_at_once_for_sixty_exactly_sixty_are_granted(
    redis_server: RedisProcess,
) -> None:
    redis_server.client.flushall()
    command = [sys.executable, "-m", "tests.contracts.taker", redis_server.url, "50", "60"]
    with ExitStack() as takers:
        processes = []
        for _ in range(PROCESSES):
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            processes.append(takers.enter_context(process))
            takers.callback(process.kill)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60) for process in processes]
    assert sum(int(output) for output, _ in said) == 60, said
