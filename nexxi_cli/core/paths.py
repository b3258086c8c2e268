"""Where files lie: the XDG base directories (freedesktop.org, basedir-spec 0.8), each with our own folder in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Our folders. None of them has to exist yet. `runtime` holds sockets: it may be gone when the user logs out."""

    config: Path
    data: Path
    cache: Path
    state: Path
    runtime: Path


def xdg_paths(environ: Mapping[str, str]) -> Paths:
    """The folders for this environment; a relative XDG variable is ignored, as the specification says."""

    def place(variable: str, default: str) -> Path:
        value = environ.get(variable, "")
        root = Path(value) if value.startswith("/") else Path(environ.get("HOME") or Path.home()) / default
        return root / "nexxi"

    state = place("XDG_STATE_HOME", ".local/state")
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return Paths(
        config=place("XDG_CONFIG_HOME", ".config"),
        data=place("XDG_DATA_HOME", ".local/share"),
        cache=place("XDG_CACHE_HOME", ".cache"),
        state=state,
        runtime=Path(runtime) / "nexxi" if runtime.startswith("/") else state / "run",
    )
