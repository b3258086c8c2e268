"""Where a contract suite keeps its sessions: a place that any process can open as a store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nexxi_cli.core.ports import SessionStore
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore

OPENERS: Mapping[str, Callable[[str], SessionStore]] = {
    "redis": lambda address: RedisSessionStore(address, ttl_s=None, timeout_s=30),  # the suite loads the machine
    "sqlite": lambda address: SqliteSessionStore(Path(address)),
}


@dataclass(frozen=True, slots=True)
class StorePlace:
    kind: str
    address: str

    def open(self) -> SessionStore:
        return OPENERS[self.kind](self.address)
