"""What must agree between a chat and the engine that answers it. Knows no socket."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from nexxi_cli import __version__
from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.infrastructure.models.catalogue import HubRepository, PackagedWeights
from nexxi_cli.infrastructure.models.sources import GgufFile, LocalFolder, resolve

FORMAT = 1
"""Changes with the lines of `protocol`."""


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """One engine is as good as another, and as a model of one's own, when all of this is the same.

    `model` says which weights, whatever they are called: a digest, or a place with the sizes and times of its files.
    """

    model: str
    quantise: str
    threads: int | None
    version: str = __version__
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """16 hexadecimal digits: what its socket is called."""
        return hashlib.sha256(repr(sorted(asdict(self).items())).encode()).hexdigest()[:16]


def identity_of(name: str, *, quantise: str, threads: int | None) -> EngineIdentity:
    """The identity of an engine for the model that is called so. Raises as `model_key` does."""
    return EngineIdentity(model_key(name), quantise, threads)


def model_key(name: str) -> str:
    """Which weights `name` stands for now; of a hub's repository that is not here yet, only which.

    Raises NotFound for a name that stands for none, and ModelUnavailable for files that cannot be read.
    """
    match resolve(name):
        case PackagedWeights(sha256=sha256):
            return f"sha256:{sha256}"
        case HubRepository(repo_id):
            from nexxi_cli.infrastructure.models import hub

            found = hub.find(repo_id)
            return f"hub:{repo_id}" if found is None else f"folder:{found}:{_stamp(found)}"
        case GgufFile(path):
            return f"file:{path}:{_stamp(path)}"
        case LocalFolder(path):
            return f"folder:{path}:{_stamp(path)}"


def absolute_name(name: str) -> str:
    """A name that stands for the same model in any working directory. Raises NotFound."""
    match resolve(name):
        case GgufFile(path) | LocalFolder(path):
            return str(path)
    return name


def _stamp(path: Path) -> str:
    """Changes when a file of the model does. Raises ModelUnavailable."""
    try:
        files = [file for file in sorted(path.iterdir()) if file.is_file()] if path.is_dir() else [path]
        stats = [(file.name, status.st_size, status.st_mtime_ns) for file in files if (status := file.stat())]
    except OSError as error:
        raise ModelUnavailable(f"{path} cannot be read: {error.strerror}") from error
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]
