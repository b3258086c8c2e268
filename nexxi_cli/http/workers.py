"""Workers: several processes that serve on one listener, replaced when they die, ended together.

Knows processes and signals; what a worker does is handed in. Each is a fork of this process, which therefore starts no
thread and no event loop, and loads nothing that would.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.settings import Settings

EARLY_S = 10.0
"""A worker that ends with an error sooner would do so each time: a model of another name, a key that is missing."""
RESTART_S = 1.0
"""Before the place of one that was killed as early is filled."""
CLOSE_S = 8.0
"""How much longer than the grace the workers may take to end; before that a process manager would lose patience."""
LOST = 1
"""The exit code when a worker had to be killed."""


@dataclass(frozen=True, slots=True)
class Bond:
    """What ties a worker to its parent.

    lifeline: a pipe that comes to its end when the parent wants to end, or is gone. is_alone: no other worker is there,
    so this one has to answer before it is ready. replaces: what became of the one before it.
    """

    lifeline: int
    parent: int
    is_alone: bool
    replaces: str | None

    def tell_ready(self) -> None:
        """The model is there: the other workers may begin."""
        if os.getppid() == self.parent:
            os.kill(self.parent, signal.SIGUSR1)


def check_workers(settings: Settings) -> None:
    """Raises UsageError for workers that could not share what they need."""
    if settings.workers == 1:
        return
    wanted = f"--workers {settings.workers}"
    if not settings.model_server:
        raise UsageError(
            f"{wanted} needs a model server: each worker would load the model anew, and they would take the processor"
            " from each other; let a server such as vLLM run it (NEXXI_MODEL_SERVER), or serve with one worker"
        )
    if settings.redis_url is None:
        raise UsageError(
            f"{wanted} needs Redis, through which workers share quotas and sessions: set NEXXI_REDIS_URL,"
            " or serve with one worker"
        )
    if not hasattr(os, "fork"):
        raise UsageError(f"{wanted} needs a system that can fork: serve with one worker here")


class Workers:
    """`count` processes that do the same work; `run` starts them and returns when all have ended.

    The first one begins alone: while the model cannot be reached it says so to all who ask, and a mistake in the
    settings is told once. SIGTERM, SIGINT and SIGHUP end all in good order, a second one at once.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Bond], int],
        *,
        grace_s: float,
        on_ending: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`work` runs in a worker and returns its exit code. `on_ending`: called once, here, when the end begins."""
        self._count = count
        self._work = work
        self._grace_s = grace_s
        self._on_ending = on_ending
        self._clock = clock
        self._began: dict[int, float] = {}
        self._missing: list[str] = []
        self._lifeline, self._held = os.pipe()
        self._is_ending = self._is_complete = False
        self._exit_code = 0

    def run(self) -> int:
        """Return the exit code: 0 after a drain, 128 and the signal's number after a second one, or a worker's."""
        endings = {signal.SIGTERM, signal.SIGINT}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under `nohup`
            endings.add(signal.SIGHUP)
        awaited = endings | {signal.SIGCHLD, signal.SIGALRM, signal.SIGUSR1}
        signal.signal(signal.SIGCHLD, lambda *_: None)  # what is ignored by default is not kept pending everywhere
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        try:
            self._fork(None)
            while self._began or (self._missing and not self._is_ending):
                self._take(signal.Signals(signal.sigwait(awaited)))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        return self._exit_code

    def _take(self, number: signal.Signals) -> None:
        match number:
            case signal.SIGCHLD:
                self._reap()
            case signal.SIGALRM:
                self._on_time()
            case signal.SIGUSR1:
                self._complete()
            case _ if not self._is_ending:
                self._end()
            case signal.SIGTERM | signal.SIGINT:
                self._exit_code = 128 + number
                self._send(signal.SIGINT)  # a worker is cut by two, as one may have come to all processes at once
                self._send(signal.SIGTERM)
                signal.setitimer(signal.ITIMER_REAL, CLOSE_S)

    def _complete(self) -> None:
        """The first one is ready: start the others, once."""
        if not (self._is_complete or self._is_ending):
            self._is_complete = True
            for _ in range(self._count - 1):
                self._fork(None)

    def _reap(self) -> None:
        for pid in list(self._began):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ended(pid, os.waitstatus_to_exitcode(status), self._clock() - self._began.pop(pid))

    def _ended(self, pid: int, code: int, lived_s: float) -> None:
        """A worker has ended with this code or, if it is negative, by this signal."""
        if self._is_ending:
            self._exit_code = self._exit_code or (code if code >= 0 else LOST)
        elif code > 0 and lived_s < EARLY_S:  # it has said why
            self._exit_code = code
            self._end()
        else:
            how = f"ended with {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
            self._missing.append(f"worker {pid} {how}")
            signal.setitimer(signal.ITIMER_REAL, RESTART_S if lived_s < EARLY_S else 0.001)

    def _on_time(self) -> None:
        if self._is_ending:
            self._exit_code = self._exit_code or LOST
            self._send(signal.SIGKILL)
            return
        missing, self._missing = self._missing, []
        for reason in missing:
            self._fork(reason)

    def _end(self) -> None:
        self._is_ending = True
        self._on_ending()
        os.close(self._held)
        signal.setitimer(signal.ITIMER_REAL, self._grace_s + CLOSE_S)

    def _send(self, number: signal.Signals) -> None:
        for pid in self._began:
            os.kill(pid, number)

    def _fork(self, replaces: str | None) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._become_worker(Bond(self._lifeline, parent, not self._began, replaces))
        self._began[pid] = self._clock()

    def _become_worker(self, bond: Bond) -> NoReturn:
        code = LOST
        try:
            os.setpgid(0, 0)  # Ctrl-C goes to the parent alone, which tells us once
            os.close(self._held)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            code = self._work(bond)
        except Exception:  # noqa: BLE001 - the surface of this process
            traceback.print_exc()
        finally:
            os._exit(code)
