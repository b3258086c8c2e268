"""Clients without a valid key: so many failed attempts an address, then none for a while. Knows what one address is."""

import math
from ipaddress import IPv6Address, IPv6Network, ip_address

from nexxi_cli.core.errors import QuotaExceeded
from nexxi_cli.core.ports import RateLimiter

FAILURES_PER_MINUTE = 60
"""One a second: more than any client needs to find out that its key is wrong, and nothing to a guesser of 256 bits."""
SITE_PREFIX = 64
"""One IPv6 client has all addresses of a network of this length (RFC 4291, section 2.5.4; RFC 8981)."""


class AddressLimiter:
    """Counts failed attempts in `limiter`. Raises what that raises."""

    def __init__(self, limiter: RateLimiter, *, failures_per_minute: int = FAILURES_PER_MINUTE) -> None:
        self._limiter = limiter
        self._failures = failures_per_minute

    async def failed(self, address: str) -> None:
        """Count an attempt without a valid key. Raises QuotaExceeded, and does not count, when there are too many."""
        name = _site(address)
        allowance = await self._limiter.take(name, limit=self._failures)
        if not allowance.granted:
            raise QuotaExceeded(
                f"too many requests without a valid key from {name}; try again in"
                f" {math.ceil(allowance.retry_after_s)} s",
                retry_after_s=allowance.retry_after_s,
            )


def _site(address: str) -> str:
    """What counts as one client: an IPv4 address or an IPv6 network; a text that is neither is taken as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), SITE_PREFIX), strict=False))
