"""A RateLimiter for all workers that share a Redis. Knows the key layout and the scripts.

    nexxi:quota:NAME           hash: slot -> amount; a slot is a whole second of Redis' own clock

The clock may be set back, as when a replica with another clock takes over: slots after the current one then count as
of now. So nothing is granted twice for it, and nothing is held for longer than a minute.
"""

from nexxi_cli.core.access import Allowance
from nexxi_cli.infrastructure.limits.window import SLOTS_BEFORE, allowance
from nexxi_cli.infrastructure.stores.redis_scripts import FOREIGN
from nexxi_cli.infrastructure.stores.redis_server import RedisServer

QUOTA_KEY = "nexxi:quota:"
TIMEOUT_S = 1.0
KEEP_S = SLOTS_BEFORE + 2
"""A key's time to live from its last booking: its slots count for 61 s, and the two clocks may be some ms apart."""

# -> 1 or 0: granted or not; Redis' time as seconds and microseconds; the hash as it is then, in one text, which is
# read ten times as fast as 122
TAKE = f"""
local key, limit, amount = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now, used, later = tonumber(time[1]), 0, 0
local held = redis.call('HGETALL', key)
for field = 1, #held, 2 do
  local slot, booked = tonumber(held[field]:match('^%d+$')), tonumber(held[field + 1]:match('^%d+$'))
  if not (slot and booked) then error('{FOREIGN} ' .. key, 0) end
  if slot < now - {SLOTS_BEFORE} then
    booked = 0
  elseif slot > now then
    later = later + booked
  end
  if slot > now or booked == 0 then redis.call('HDEL', key, held[field]) end
  used = used + booked
end
local granted = used + amount <= limit
local new = later + (granted and amount or 0)
if new > 0 then
  redis.call('HINCRBY', key, time[1], new)
  redis.call('EXPIRE', key, {KEEP_S})
end
return {{granted and 1 or 0, time[1], time[2], table.concat(redis.call('HGETALL', key), ' ')}}
"""

SETTLE = f"""
local key, slot, amount = ARGV[1], ARGV[2], tonumber(ARGV[3])
if tonumber(slot) < redis.call('TIME')[1] - {SLOTS_BEFORE} then return end
local booked = tonumber(redis.call('HGET', key, slot) or 0)
if not booked then error('{FOREIGN} ' .. key, 0) end
if booked + amount > 0 then
  redis.call('HSET', key, slot, booked + amount)
  redis.call('EXPIRE', key, {KEEP_S})
else
  redis.call('HDEL', key, slot)
end
"""


class RedisRateLimiter:
    """Counts in Redis, of version 6.2 or later, one script an operation."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """`timeout_s` bounds each call. Raises SettingsError for a URL that cannot be used."""
        self._server = RedisServer(url, timeout_s=timeout_s)

    async def take(self, name: str, *, limit: int, amount: int = 1) -> Allowance:
        """Book `amount` if it is free. A cancelled caller may have booked it."""
        granted, seconds, micros, fields = await self._server.run(TAKE, QUOTA_KEY + name, limit, amount)
        numbers = [int(field) for field in fields.split()]
        held = dict(zip(numbers[::2], numbers[1::2], strict=True))
        now_s = int(seconds) + int(micros) / 1_000_000
        return allowance(held, now_s, limit=limit, amount=amount, granted=bool(granted))

    async def settle(self, name: str, allowance: Allowance, *, amount: int) -> None:
        """Correct the slot that the allowance was booked in, down to 0; nothing if it no longer counts."""
        await self._server.run(SETTLE, QUOTA_KEY + name, allowance.slot, amount)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()
