"""Which limiter the settings choose."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from nexxi_cli.core.errors import QuotaExceeded
from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.infrastructure.limits.memory import MemoryRateLimiter
from nexxi_cli.infrastructure.limits.redis import RedisRateLimiter
from nexxi_cli.service.strangers import FAILURES_PER_MINUTE
from nexxi_cli.wiring import address_limiter, open_app, rate_limiter
from tests.redis_process import RedisProcess


def test_without_a_redis_url_amounts_are_counted_in_memory() -> None:
    assert isinstance(rate_limiter(Settings()), MemoryRateLimiter)


@pytest.mark.parametrize("url", ["redis://localhost/0", "rediss://:sesame@localhost", "unix:///run/redis.sock"])
def test_a_redis_url_of_any_kind_chooses_redis(url: str) -> None:
    assert isinstance(rate_limiter(Settings(redis_url=SecretStr(url))), RedisRateLimiter)


async def test_an_app_has_one_limiter_and_closes_it(tmp_path: Path, redis_server: RedisProcess) -> None:
    redis_server.client.flushall()
    before = len(redis_server.client.client_list())
    settings = Settings(redis_url=SecretStr(redis_server.url))
    async with open_app(settings, xdg_paths({"HOME": str(tmp_path)})) as app:
        assert app.rate_limiter() is app.rate_limiter()
        assert (await app.rate_limiter().take("ada", limit=2)).remaining == 1
        assert len(redis_server.client.client_list()) == before + 1
    assert len(redis_server.client.client_list()) == before


async def test_an_address_is_refused_after_so_many_failures() -> None:
    addresses = address_limiter()
    for _ in range(FAILURES_PER_MINUTE):
        await addresses.failed("192.0.2.1")
    with pytest.raises(QuotaExceeded):
        await addresses.failed("192.0.2.1")
