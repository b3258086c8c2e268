"""Starts the process that keeps a model loaded. Knows how it is cut loose from this one; knows not what it does."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import nexxi_cli
from nexxi_cli.infrastructure.warm.place import EngineGone

START_S = 15.0
"""How long it may take until it listens, which it does before it loads anything large."""
POLL_S = 0.02
LOG_BYTES = 2**20
"""A log that is longer begins anew with the next engine."""
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""A model that lies here is loaded without them."""


def engine_environment(environ: Mapping[str, str], settings: Mapping[str, object]) -> dict[str, str]:
    """What the engine sees of this environment: no setting but `settings`, no config file and no secret of ours."""
    kept = {name: value for name, value in environ.items() if not name.startswith("NEXXI_") and name not in SECRETS}
    told = {f"NEXXI_{name.upper()}": str(value) for name, value in settings.items() if value is not None}
    return kept | told | {"NEXXI_CONFIG": os.devnull}


def start_detached(command: Sequence[str], environment: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start `command` in a session of its own; its standard error goes to `log`. Raises EngineGone."""
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if log.stat().st_size > LOG_BYTES:
                log.unlink()
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command,
                env=environment,
                cwd=_working_folder(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EngineGone(f"no engine can be started: {error.strerror or error}") from error
    threading.Thread(target=process.wait, name="engine-reaper", daemon=True).start()  # it shall be no zombie of a REPL
    return process


async def listening(process: "subprocess.Popen[bytes]", listens: Callable[[], bool], *, log: Path) -> None:
    """Wait until an engine listens: this process, or the one that was faster. Raises EngineGone when none does."""
    try:
        async with asyncio.timeout(START_S):
            while not listens():
                if process.returncode:  # 0: another one was faster
                    raise EngineGone(f"the engine could not be started: {log} says why")
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise EngineGone(f"no engine listens after {START_S:g} s: {log} may say why") from None


async def provided(provide: Callable[[], object], stop: Callable[[], None]) -> None:
    """Fetch what has to be fetched, in this process, which can show how far it is. Raises what `provide` does."""
    try:
        await asyncio.to_thread(provide)
    except asyncio.CancelledError:
        stop()
        raise


def _working_folder() -> str:
    """None that is in anybody's way, unless this program is found by it, as in a clone that is not installed."""
    code = Path(nexxi_cli.__file__).parents[1]
    return str(code) if code == Path.cwd() else "/"
