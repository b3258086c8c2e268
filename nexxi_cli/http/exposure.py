"""Who can reach the server, and whether he has to show a key."""

import socket

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.settings import Settings
from nexxi_cli.service.key_ring import KeyRing

PROBES = ("/health", "/ready")

NO_KEY = (
    "there is no key that could be asked for: make one with `nexxi keys create NAME`, or set NEXXI_API_KEY;"
    " --insecure-no-auth serves this machine without any"
)


async def check_access(settings: Settings, keys: KeyRing) -> int:
    """How many keys open the door. Raises UsageError for a door that nobody, or everybody, could pass."""
    if settings.insecure_no_auth:
        if not is_loopback(settings):
            raise UsageError(
                f"--insecure-no-auth serves a loopback address only, not {settings.host}: use 127.0.0.1, or use keys"
            )
        return 0
    count = await keys.count()
    if not count:
        raise UsageError(NO_KEY)
    return count


def is_loopback(settings: Settings) -> bool:
    """Whether only this machine can reach the server."""
    if settings.uds is not None:
        return True
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(str(address[0]).startswith("127.") or address[0] == "::1" for *_, address in found)


def public_paths(settings: Settings) -> tuple[str, ...]:
    """What anybody may call."""
    return (
        *PROBES,
        *(("/metrics",) if settings.public_metrics else ()),
        *(("/docs", "/openapi.json") if settings.public_docs else ()),
    )
