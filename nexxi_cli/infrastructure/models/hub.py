"""Models of the Hugging Face hub, kept in the hub's own cache (HF_HOME), so that other programs share them."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from nexxi_cli.core.errors import ModelUnavailable, NotAuthorised, NotFound
from nexxi_cli.core.ports import Progress
from nexxi_cli.infrastructure.models.cache import need_room

TIMEOUT_S = 8.0
"""How long the hub may take for its first answer: a hub that cannot be reached is told within 10 s."""

FILES = (
    *("*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja"),
    *("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt", "merges.txt"),
)
_IGNORED = ("consolidated*", "original/*", "onnx/*")


def fetch(repo_id: str, progress: Progress, *, instead: str) -> Path:
    """The folder of the repository's newest snapshot, downloaded if it is not whole in the cache.

    `instead`: what to use where the hub cannot be reached.
    Raises NotFound, NotAuthorised, OutOfSpace and ModelUnavailable.
    """
    cached = find(repo_id)
    return cached if cached is not None else _download(repo_id, progress, instead)


def find(repo_id: str) -> Path | None:
    """The folder of a snapshot that is whole in the cache. Reads folders only."""
    snapshots = _cache_folder() / f"models--{repo_id.replace('/', '--')}" / "snapshots"
    whole = [folder for folder in snapshots.glob("*/") if is_whole(folder)]
    return max(whole, key=lambda folder: folder.stat().st_mtime, default=None)


def cached_repositories() -> Iterator[tuple[str, Path]]:
    """Ids and folders of the models that are whole in the cache."""
    for folder in sorted(_cache_folder().glob("models--*--*")):
        repo_id = "/".join(folder.name.split("--", 2)[1:])
        found = find(repo_id)
        if found is not None:
            yield repo_id, found


def remove(repo_id: str) -> bool:
    """Delete the repository from the hub's cache; False when it was not there."""
    folder = _cache_folder() / f"models--{repo_id.replace('/', '--')}"
    if not folder.is_dir():
        return False
    shutil.rmtree(folder)
    return True


def is_whole(folder: Path) -> bool:
    """Whether config and every file of weights are there."""
    if not (folder / "config.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            return False
        return all((folder / shard).is_file() for shard in shards)
    return any(folder.glob("*.safetensors"))


def _cache_folder() -> Path:
    """Where huggingface_hub keeps its files (its documentation: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME)."""
    cache_home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{cache_home}/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()


def _download(repo_id: str, progress: Progress, instead: str) -> Path:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import httpx2
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    progress.step(f"asking the hub for {repo_id}", None)
    try:
        info = HfApi().model_info(repo_id, timeout=TIMEOUT_S, files_metadata=True)
        size_bytes = sum(file.size or 0 for file in info.siblings or () if _is_wanted(file.rfilename))
        need_room(_cache_folder(), size_bytes, variable="HF_HOME")
        progress.step(f"downloading {repo_id} ({size_bytes / 1e6:.0f} MB)", size_bytes or None)
        folder = snapshot_download(
            repo_id,
            revision=info.sha,
            allow_patterns=list(FILES),
            ignore_patterns=list(_IGNORED),
            etag_timeout=TIMEOUT_S,
            tqdm_class=_bar_for(progress),
        )
    except GatedRepoError as error:
        raise NotAuthorised(f"{repo_id} is gated: accept its terms on the hub, then set HF_TOKEN") from error
    except RepositoryNotFoundError as error:
        raise NotFound(f"the hub has no model {repo_id}, or it is private: check the name, or set HF_TOKEN") from error
    except OfflineModeIsEnabled as error:
        raise ModelUnavailable(
            f"{repo_id} is not in the hub's cache, and HF_HUB_OFFLINE forbids to fetch it"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
        raise ModelUnavailable(
            f"the model hub cannot be reached for {repo_id} ({_reason(error)}): check the network or HF_ENDPOINT,"
            f" or use {instead}"
        ) from error
    if not is_whole(Path(folder)):
        raise ModelUnavailable(f"{repo_id} has no safetensors that can be run; choose another repository")
    return Path(folder)


def _is_wanted(name: str) -> bool:
    path = Path(name)
    return any(path.match(pattern) for pattern in FILES) and not any(path.match(pattern) for pattern in _IGNORED)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _bar_for(progress: Progress) -> type:
    """A tqdm whose bytes go to `progress`, as snapshot_download asks for one."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):  # type: ignore[misc] # the base has no types
        def __init__(self, *args: object, **kwargs: object) -> None:
            self._counts_bytes = kwargs.get("name") == "huggingface_hub.snapshot_download"  # bytes written
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            if self._counts_bytes and n:
                progress.advance(int(n))
            return None

    return Bar
