"""Where a contract suite keeps its sessions: a place that any process can open as a store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nexxi_cli.core.ports import SessionStore
from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
from nexxi_cli.infrastructure.stores.spool import Spool
from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore
from nexxi_cli.infrastructure.stores.sqlite import SqliteSessionStore
from nexxi_cli.observability.silence import SILENT


def _redis(url: str) -> RedisSessionStore:
    return RedisSessionStore(url, ttl_s=None, timeout_s=30)  # the suite loads the machine


def _spooled_redis(address: str) -> SpoolingSessionStore:
    """`address` is the URL and, after a space, the path of the spool."""
    url, _, path = address.partition(" ")
    store = _redis(url)
    return SpoolingSessionStore(store, Spool(Path(path), place=store.place), SILENT)


OPENERS: Mapping[str, Callable[[str], SessionStore]] = {
    "redis": _redis,
    "spooled_redis": _spooled_redis,
    "sqlite": lambda address: SqliteSessionStore(Path(address)),
}


@dataclass(frozen=True, slots=True)
class StorePlace:
    kind: str
    address: str

    def open(self) -> SessionStore:
        return OPENERS[self.kind](self.address)
