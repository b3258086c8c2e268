"""What a model's name means: an alias, a hub id, a folder of safetensors or a .gguf file."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from nexxi_cli.core.errors import NotFound
from nexxi_cli.infrastructure.models.catalogue import KNOWN_MODELS, HubRepository, PackagedWeights


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A GGUF file of the user's own."""

    path: Path


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder of the user's own with config.json, tokenizer and safetensors, as transformers writes it."""

    path: Path


ModelSource = PackagedWeights | HubRepository | GgufFile | LocalFolder

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")  # huggingface_hub's validate_repo_id


def resolve(name: str) -> ModelSource:
    """The source that `name` stands for. An alias goes first, then what exists on the disk, then the hub.

    Raises NotFound for what is none of these.
    """
    if name in KNOWN_MODELS:
        return KNOWN_MODELS[name].source
    path = Path(name).expanduser()
    if name and path.is_dir():
        return LocalFolder(path.resolve())
    if path.is_file():
        return GgufFile(path.resolve())
    if _looks_like_path(name):
        raise NotFound(f"there is no model file or folder {name}")
    if _HUB_ID.fullmatch(name):
        return HubRepository(name)
    near = get_close_matches(name.lower(), KNOWN_MODELS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "`nexxi models list` shows the known ones"
    raise NotFound(f"there is no model {name!r}: {hint} (a hub id has the form organisation/name)")


def _looks_like_path(name: str) -> bool:
    return name.startswith(("/", "./", "../", "~")) or name.endswith((".gguf", ".safetensors")) or name.count("/") > 1
