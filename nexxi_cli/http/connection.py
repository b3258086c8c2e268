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
    task, is_gone = asyncio.current_task(), False
    assert task is not None

    def stop(watch: "asyncio.Task[None]") -> None:
        nonlocal is_gone
        if not watch.cancelled():
            is_gone = True
            task.cancel()

    watch = asyncio.create_task(wait_for_disconnect(receive))
    watch.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if is_gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watch.remove_done_callback(stop)
        watch.cancel()


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
