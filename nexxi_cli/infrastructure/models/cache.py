"""Converted models on the disk. Knows the layout, the manifest and how a model appears whole or not at all.

weights/SHA256.gguf     downloaded files, by their content
models/NAME/            config, tokenizer, chat template, safetensors, and manifest.json
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from nexxi_cli.core.errors import ModelUnavailable, NexxiError, OutOfSpace

FORMAT = 1
"""Raised whenever what a conversion writes changes; a model of another format is converted anew."""

MANIFEST = "manifest.json"
_LOCK_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a converted model was made from, by what, and its files.

    source: what identifies the original (a hash, or path, size and time of change); files: name -> size and SHA-256.
    """

    name: str
    source: Mapping[str, object]
    files: Mapping[str, Mapping[str, object]]
    created_at: str
    versions: Mapping[str, str]
    format: int = FORMAT

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(int(str(file["size_bytes"])) for file in self.files.values())


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the cache: its folder and manifest."""

    path: Path
    manifest: Manifest = field(compare=False)

    def damaged_files(self) -> list[str]:
        """Names of the files whose content is not what was written. Reads all of them."""
        return [name for name, entry in self.manifest.files.items() if file_sha256(self.path / name) != entry["sha256"]]


class ModelCache:
    """The cache folder. Any number of processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.weights = root / "weights"
        self.models = root / "models"

    def find(self, name: str, *, source: Mapping[str, object] | None = None) -> CachedModel | None:
        """The model of this name, if it is whole, of this format and, when given, made from `source`."""
        folder = self.models / name
        manifest = _read_manifest(folder / MANIFEST)
        if manifest is None or (source is not None and dict(manifest.source) != dict(source)):
            return None
        whole = all(_size(folder / file) == entry["size_bytes"] for file, entry in manifest.files.items())
        return CachedModel(folder, manifest) if whole else None

    def all(self) -> Iterator[CachedModel]:
        """Every usable model, by name."""
        for folder in sorted(self.models.glob("*/")):
            found = self.find(folder.name)
            if found is not None and not folder.name.startswith("."):
                yield found

    def build(self, name: str, source: Mapping[str, object], write: Callable[[Path], None]) -> CachedModel:
        """Make the model `name` by `write`, which fills an empty folder. It appears whole or not at all.

        The caller holds the lock of `name`. Raises OutOfSpace, ModelUnavailable and what `write` raises.
        """
        with translated(self.models):
            self._sweep(name)
            building = self.models / f".{name}.{os.getpid()}.new"
            building.mkdir(parents=True)
            try:
                write(building)
                _write_manifest(building, name, source)
                self._publish(building, name)
            except BaseException:
                shutil.rmtree(building, ignore_errors=True)
                raise
        found = self.find(name)
        assert found is not None, "what was just published is whole"
        return found

    def remove(self, name: str) -> bool:
        """Delete the model and the download it was made from; False when there was none."""
        if name not in {folder.name for folder in self.models.glob("*/")}:
            return False
        with self.lock(name), translated(self.models):
            manifest = _read_manifest(self.models / name / MANIFEST)
            shutil.rmtree(self._retire(name))
            if manifest is not None and "sha256" in manifest.source:
                (self.weights / f"{manifest.source['sha256']}.gguf").unlink(missing_ok=True)
            return True

    @contextmanager
    def lock(self, name: str, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of `name` among all processes; `waiting` is called if another one has it."""
        from filelock import FileLock, Timeout  # not for those who find their model

        with translated(self.models):
            self.models.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.models / f".{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waiting()
                lock.acquire(poll_interval=_LOCK_POLL_S)
        try:
            yield
        finally:
            lock.release()

    def need_room(self, size_bytes: int) -> None:
        """Raises OutOfSpace unless so many bytes are free."""
        need_room(self.models, size_bytes, variable="XDG_CACHE_HOME")

    def _publish(self, building: Path, name: str) -> None:
        if (self.models / name).exists():
            retired = self._retire(name)
            building.rename(self.models / name)
            shutil.rmtree(retired, ignore_errors=True)
        else:
            building.rename(self.models / name)

    def _retire(self, name: str) -> Path:
        return (self.models / name).rename(self.models / f".{name}.{os.getpid()}.old")

    def _sweep(self, name: str) -> None:
        """Remove what an interrupted process has left; whoever holds the lock may."""
        for pattern in (f".{name}.*.new", f".{name}.*.old"):
            for leftover in self.models.glob(pattern):
                shutil.rmtree(leftover, ignore_errors=True)


def need_room(folder: Path, size_bytes: int, *, variable: str) -> None:
    """Raises OutOfSpace unless `folder`, which `variable` moves, has so many bytes free."""
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(folder).free
    if free_bytes < size_bytes:
        raise OutOfSpace(
            f"{folder} has {free_bytes / 1e6:.0f} MB free, {size_bytes / 1e6:.0f} MB are needed: free some,"
            f" or set {variable} to a folder on another disk"
        )


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content; empty for a file that is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


@contextmanager
def translated(place: Path) -> Iterator[None]:
    """Errors of the disk as ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace(f"no room is left in {place}: free some, or set XDG_CACHE_HOME") from error
        raise ModelUnavailable(
            f"the cache {place} cannot be used: {error.strerror or error}; set XDG_CACHE_HOME to a writable folder"
        ) from error


def _write_manifest(folder: Path, name: str, source: Mapping[str, object]) -> None:
    files = {
        file.name: {"size_bytes": file.stat().st_size, "sha256": file_sha256(file)} for file in sorted(folder.iterdir())
    }
    if not files:
        raise NexxiError(f"the conversion of {name} wrote nothing")
    versions = {library: version(library) for library in ("nexxi", "torch", "transformers")}
    manifest = Manifest(name, source, files, datetime.now(UTC).isoformat(timespec="seconds"), versions)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), encoding="utf-8")


def _read_manifest(path: Path) -> Manifest | None:
    """The manifest, or None when there is none that this version can trust."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**document)
    except (OSError, ValueError, TypeError):
        return None
    return manifest if manifest.format == FORMAT else None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
