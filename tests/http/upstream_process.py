"""A scripted model server as a process of its own, to be killed and started again on its port."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UpstreamProcess:
    """It answers with so many tokens, each after a delay. `url` stays the same when it is started again.

    `kind`: the module of model servers that it runs.
    """

    def __init__(self, *, delay_s: float = 0.0, tokens: int = 7, kind: str = "upstream") -> None:
        self._variables = {"SCRIPT_DELAY_S": str(delay_s), "SCRIPT_TOKENS": str(tokens)}
        self._module = f"tests.infrastructure.model_server.{kind}"
        self._port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(self._port)],
            env={**os.environ, **self._variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self._port = int(self.url.split(":")[2].partition("/")[0])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def upstream_process(*, delay_s: float = 0.0, tokens: int = 7, kind: str = "upstream") -> Iterator[UpstreamProcess]:
    """One that answers."""
    server = UpstreamProcess(delay_s=delay_s, tokens=tokens, kind=kind)
    try:
        yield server
    finally:
        server.kill()
