"""How a command runs on an event loop, and how it ends when it is told to."""

import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from nexxi_cli.wiring import App

T = TypeVar("T")

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Sent by whoever ends a process, and by a terminal that is closed."""


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`; a signal that ends the process cancels `work` first, so that a part of a reply is kept.

    Raises typer.Exit with 128 and the signal's number then, as a shell reports it.
    """
    import asyncio

    received: list[int] = []

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def end(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in ENDING:
            loop.add_signal_handler(number, end, number)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if not received:
            raise
        raise typer.Exit(128 + received[0]) from None


def with_app(call: "Callable[[App], Awaitable[T]]") -> T:
    """What `call` makes of the App of this command line, which is closed afterwards."""
    from nexxi_cli.cli.startup import cli_app, read_settings

    async def run() -> T:
        async with cli_app(read_settings({})) as app:
            return await call(app)

    return run_to_end(run())
