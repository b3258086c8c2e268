"""One Redis server behind its URL. Knows how to reach it, how long to wait for it and what its errors mean."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as SocketTimeout

from nexxi_cli.core.errors import SettingsError, StoreUnavailable
from nexxi_cli.infrastructure.stores.redis_scripts import FOREIGN

MAX_CONNECTIONS = 16
DEFAULT_PORT = 6379

_START = "start it, or unset NEXXI_REDIS_URL to keep sessions in a file"
_PASSWORD = "set the right one in NEXXI_REDIS_URL, as redis://[user]:password@host:port/db"  # noqa: S105 - advice

# what Redis says (redis.io/docs/latest/develop/reference/protocol-spec, networking.c, server.c of 6.2) -> what to try;
# inside a script's error the code is still there, elsewhere the client library has cut it off
ADVICE = {
    "NOAUTH|Authentication required|WRONGPASS|invalid username-password|invalid password|AUTH": _PASSWORD,
    "NOPERM|no permissions": "let this user run scripts on nexxi:*",
    "OOM|maxmemory": "raise its maxmemory, or delete sessions",
    "READONLY|read only replica": "name the primary in NEXXI_REDIS_URL",
    "LOADING|loading the dataset": "it is starting, try again in a moment",
    "BUSY ": "another program's script holds it, try again",
    "MISCONF": "it cannot save to its disk, see its log",
    "max number of clients": "raise its maxclients, or close other programs",
    "DB index": "choose a database that it has in NEXXI_REDIS_URL",
    "WRONGTYPE": "a key that begins with nexxi: is another program's; choose another database in NEXXI_REDIS_URL",
}


class RedisServer:
    """Connections to one server, opened on first use. Nothing is tried twice; no call takes longer than `timeout_s`.

    A cancelled caller does not undo what has been sent.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Raises SettingsError for a URL that cannot be used."""
        self._timeout_s = timeout_s
        try:
            self._address = address_of(url)
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=MAX_CONNECTIONS,
                timeout=timeout_s,
                socket_timeout=None,  # `in_time` bounds each call; redis-py would make a task of every write
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
                driver_info=None,
            )
            self.place = place_of(url, database=int(pool.connection_kwargs.get("db") or 0))
            pool.make_connection()  # type: ignore[no-untyped-call] # opens nothing, but knows the URL's parameters
        except (TypeError, ValueError):
            # not `from` it: it may quote a part of the password
            raise SettingsError("NEXXI_REDIS_URL: a part or a parameter of this URL is unknown or bad") from None
        self._client = Redis.from_pool(pool)
        self._scripts: dict[str, AsyncScript] = {}

    async def get(self, key: str) -> bytes | None:
        """The value of a key. Raises StoreUnavailable."""
        async with self.in_time():
            return cast("bytes | None", await self._client.get(key))

    async def run(self, script: str, *arguments: str | int) -> Any:
        """Run a Lua script, by its digest once the server knows it. Raises StoreUnavailable."""
        async with self.in_time():
            if script not in self._scripts:
                self._scripts[script] = self._client.register_script(script)
            return await self._scripts[script](args=arguments)

    async def aclose(self) -> None:
        """Close the connections."""
        async with self.in_time():
            await self._client.aclose()

    def foreign(self, key: str) -> StoreUnavailable:
        """What to raise for a value that others have put under a key of ours."""
        return StoreUnavailable(
            f"Redis at {self._address} has something else than nexxi's own under {key}; delete that key, or "
            "choose another database in NEXXI_REDIS_URL"
        )

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """All that happens in here is over after `timeout_s`. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except (TimeoutError, SocketTimeout) as error:
            raise StoreUnavailable(
                f"Redis at {self._address} did not answer within {self._timeout_s:g} s; {_START}"
            ) from error
        except (RedisError, OSError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> StoreUnavailable:
        message = " ".join(str(error).split())
        foreign = re.search(rf"{FOREIGN} (\S+)", message)
        if foreign:
            return self.foreign(foreign[1])
        reason = re.sub(r"^.*@user_script: ?\d+: -?", "", message).rstrip(
            "."
        )  # Redis puts the script and the line before it
        default = _START if isinstance(error, LostConnection | OSError) else "see its log"
        advice = next((advice for words, advice in ADVICE.items() if re.search(words, reason)), default)
        return StoreUnavailable(f"Redis at {self._address} cannot be used: {reason}; {advice}")


def place_of(url: str, *, database: int) -> str:
    """The server and the number of the database: one text for each of the URLs that lead there."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}#{database}"
    return f"redis://{parts.hostname or 'localhost'}:{parts.port or DEFAULT_PORT}#{database}"


def address_of(url: str) -> str:
    """The URL without user, password and parameters, for people to read."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = parts.hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORT}{parts.path or '/0'}"
