"""Names of implementations, loaded when asked for; a missing library is named with the extra that brings it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from nexxi_cli.core.errors import MissingExtra, UsageError

SESSION_STORES: Mapping[str, str] = {
    "sqlite": "nexxi_cli.infrastructure.stores.sqlite:SqliteSessionStore",
    **dict.fromkeys(("redis", "rediss", "unix"), "nexxi_cli.infrastructure.stores.redis:RedisSessionStore"),
}

MODEL_BACKENDS: Mapping[str, str] = {
    "local": "nexxi_cli.infrastructure.models.local:LocalBackend",
    "openai": "nexxi_cli.infrastructure.model_server.backend:ModelServerBackend",
    "tgi": "nexxi_cli.infrastructure.model_server.tgi:TgiBackend",
}

ARCHIVES: Mapping[str, str] = {
    "postgresql": "nexxi_cli.infrastructure.archive.postgresql:postgresql_archive",
    "sqlite": "nexxi_cli.infrastructure.archive.sqlite:sqlite_archive",
}

RATE_LIMITERS: Mapping[str, str] = {
    "memory": "nexxi_cli.infrastructure.limits.memory:MemoryRateLimiter",
    "redis": "nexxi_cli.infrastructure.limits.redis:RedisRateLimiter",
}

KEY_STORES: Mapping[str, str] = {
    "postgresql": "nexxi_cli.infrastructure.archive.postgresql:postgresql_keys",
    "sqlite": "nexxi_cli.infrastructure.archive.sqlite:sqlite_keys",
}

# top-level module -> the extra of pyproject.toml that installs it; a module that is not here comes with nexxi itself
EXTRAS: Mapping[str, str] = {"psycopg": "postgres"}


def load(table: Mapping[str, str], name: str) -> Any:
    """The object that `table` has under `name`.

    Raises UsageError for a name that is not in the table, MissingExtra for a library that is not installed.
    """
    if name not in table:
        raise UsageError(f"{name!r} is not one of {', '.join(sorted(table))}")
    module, _, attribute = table[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        extra = EXTRAS[library]
        raise MissingExtra(f"{name} needs the library {library}: pip install 'nexxi[{extra}]'") from error
