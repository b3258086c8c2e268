"""One call of a command on an open App."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from nexxi_cli.wiring import App

T = TypeVar("T")


def with_app(call: "Callable[[App], Awaitable[T]]") -> T:
    """What `call` makes of the App of this command line, which is closed afterwards."""
    from nexxi_cli.cli.startup import cli_app, read_settings

    async def run() -> T:
        async with cli_app(read_settings({})) as app:
            return await call(app)

    return asyncio.run(run())
