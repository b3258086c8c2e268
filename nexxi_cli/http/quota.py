"""Quota: requests and tokens a minute for each key."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from nexxi_cli.core.access import Allowance, Caller
from nexxi_cli.core.errors import QuotaExceeded, StoreUnavailable
from nexxi_cli.core.events import QuotaRefused
from nexxi_cli.core.ports import Observer, RateLimiter
from nexxi_cli.http.asgi import ASGIApp, Receive, Scope, Send
from nexxi_cli.http.record import RequestRecord, record_of

Unit = Literal["requests", "tokens"]


@dataclass(slots=True)
class Reservation:
    """Tokens that were booked for one request; `spent` becomes what it really took."""

    spent: int = 0


class Quota:
    """Takes from a caller's allowance, and notes on the record what is left of it."""

    def __init__(self, limiter: RateLimiter, observer: Observer) -> None:
        self._limiter = limiter
        self._observer = observer

    async def take_request(self, caller: Caller, record: RequestRecord) -> None:
        """Book one request. Raises QuotaExceeded and StoreUnavailable."""
        if caller.requests_per_minute is not None:
            await self._take(caller, record, "requests", limit=caller.requests_per_minute, amount=1)

    @asynccontextmanager
    async def tokens(self, caller: Caller, record: RequestRecord, *, amount: int) -> AsyncIterator[Reservation]:
        """Book tokens, and correct the booking by what was spent, however the request ends. Raises as take_request.

        A limiter that is down by then is not told: the reply has been written, and the booking counts for a minute.
        """
        reservation = Reservation()
        if caller.tokens_per_minute is None:
            yield reservation
            return
        allowance = await self._take(caller, record, "tokens", limit=caller.tokens_per_minute, amount=amount)
        try:
            yield reservation
        finally:
            with suppress(StoreUnavailable):
                await self._limiter.settle(f"{caller.quota}:tokens", allowance, amount=reservation.spent - amount)

    async def _take(self, caller: Caller, record: RequestRecord, unit: Unit, *, limit: int, amount: int) -> Allowance:
        allowance = await self._limiter.take(f"{caller.quota}:{unit}", limit=limit, amount=amount)
        record.limit_headers |= {
            f"x-ratelimit-limit-{unit}": str(allowance.limit),
            f"x-ratelimit-remaining-{unit}": str(allowance.remaining),
            f"x-ratelimit-reset-{unit}": f"{math.ceil(allowance.reset_s)}s",
        }
        if allowance.granted:
            return allowance
        self._observer.notify(QuotaRefused(unit))
        asked = "" if unit == "requests" else f" ({amount} asked for, {allowance.remaining} left)"
        when = (
            f"try again in {max(1, math.ceil(allowance.retry_after_s))} s"
            if math.isfinite(allowance.retry_after_s)
            else "ask for fewer tokens"
        )
        raise QuotaExceeded(
            f"over the limit of {limit} {unit} a minute{asked}: {when}", retry_after_s=allowance.retry_after_s
        )


class QuotaMiddleware:
    """Books one request for whoever calls; who may call without a key is not counted."""

    def __init__(self, app: ASGIApp, *, quota: Quota) -> None:
        self._app = app
        self._quota = quota

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what is within the quota."""
        if scope["type"] == "http":
            record = record_of(scope)
            if record.caller is not None:
                await self._quota.take_request(record.caller, record)
        await self._app(scope, receive, send)
