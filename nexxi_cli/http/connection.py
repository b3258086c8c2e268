"""Work that stops when the client goes away."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from nexxi_cli.http.asgi import Receive

T = TypeVar("T")

CLIENT_GONE = "client_gone"
"""What is noted as the error of a request whose client went away."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to. Raises ClientGone, once the work has been stopped, when the client goes away first."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(wait_for_disconnect(receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        await stopped(task, gone)


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def stopped(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait until they have ended; what they raise now is of no interest any more."""
    for task in tasks:
        task.cancel()
    waiting = [task for task in tasks if not task.done()]
    if waiting:
        await asyncio.wait(waiting)
    for task in tasks:
        if not task.cancelled():
            task.exception()
