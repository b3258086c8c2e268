"""The KeyStore in the archive's database. Knows how a key lies in its row, not what opens what."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nexxi_cli.core.access import SCOPES, ApiKey, Scope
from nexxi_cli.core.errors import NotFound
from nexxi_cli.infrastructure.archive.database import Database
from nexxi_cli.infrastructure.archive.tables import api_keys
from nexxi_cli.infrastructure.archive.transactions import Transactions


class SqlKeyStore:
    """The keys of one database. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self._transactions = Transactions(database)

    async def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""
        return await self._transactions.read(_all)

    async def add(self, key: ApiKey) -> None:
        """Keep a new key. An id that is taken is refused as what it is: a failure of the database."""
        await self._transactions.write(_add, key)

    async def change(self, key: ApiKey) -> None:
        """Keep another state of the key."""
        await self._transactions.write(_change, key)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transactions.aclose()


async def _all(connection: AsyncConnection) -> list[ApiKey]:
    rows = await connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id))
    return [_key(row) for row in rows.mappings()]


async def _add(connection: AsyncConnection, key: ApiKey) -> None:
    await connection.execute(insert(api_keys).values(_row(key)))


async def _change(connection: AsyncConnection, key: ApiKey) -> None:
    row = _row(key)
    values = {**row, "revoked_at": func.coalesce(api_keys.c.revoked_at, row["revoked_at"])}
    changed = await connection.execute(update(api_keys).where(api_keys.c.key_id == key.key_id).values(values))
    if not changed.rowcount:
        raise NotFound(f"there is no key with the id {key.key_id!r}")


def _row(key: ApiKey) -> Mapping[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "owner": key.owner,
        "digest": key.digest,
        "scopes": " ".join(scope for scope in SCOPES if scope in key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
    }


def _key(row: RowMapping) -> ApiKey:
    """A scope that this program does not know opens nothing here."""
    return ApiKey(**{**row, "scopes": _scopes(row["scopes"])})


def _scopes(names: str) -> frozenset[Scope]:
    return frozenset(scope for scope in SCOPES if scope in names.split())
