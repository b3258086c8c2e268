"""A process that asks a Redis for quota: `python -m tests.contracts.taker URL COUNT LIMIT`.

It says "ready", waits for a line on standard input, asks for all at once, and prints how many were granted.
"""

import asyncio
import sys

from nexxi_cli.infrastructure.limits.redis import RedisRateLimiter


async def main(url: str, count: str, limit: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    limiter = RedisRateLimiter(url, timeout_s=30)
    allowances = await asyncio.gather(*(limiter.take("ada", limit=int(limit)) for _ in range(int(count))))
    print(sum(allowance.granted for allowance in allowances))
    await limiter.aclose()


asyncio.run(main(*sys.argv[1:]))
