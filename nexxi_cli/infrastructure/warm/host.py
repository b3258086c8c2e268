"""Whose process an engine is in: one that is there for nothing else, or a server that shares its model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress

from nexxi_cli.core.events import EngineNotShared, EngineShared
from nexxi_cli.core.ports import ModelBackend, Observer
from nexxi_cli.infrastructure.warm.identity import EngineIdentity
from nexxi_cli.infrastructure.warm.lease import Lease
from nexxi_cli.infrastructure.warm.place import Place, PlaceRefused
from nexxi_cli.infrastructure.warm.server import WarmServer

FINISH_S = 0.5
"""How long what is under way may go on when the process has been told to end."""


async def keep_engine(
    place: Place, identity: EngineIdentity, lease: Lease, *, name: str, start: Callable[[], ModelBackend]
) -> bool:
    """Serve the model that `start` begins to load until the lease is over; False when another process does so already.

    It listens at once: who asks before the model is loaded waits for it. Raises what keeps the model from loading, once
    those who wait have been told, and PlaceRefused.
    """
    claim = place.claim(identity.digest)
    if claim is None:
        return False
    try:
        listener = claim.listen()
        backend = start()
        server = WarmServer(backend, identity, name=name, admitted=lease.used, lease=lease)
        server.open(listener)
        loading = asyncio.create_task(_loaded(backend))
        ending = asyncio.create_task(lease.over())
        try:
            await asyncio.wait({loading, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            loading.cancel()
            await server.close()
    finally:
        claim.release()
    await server.finish(FINISH_S)
    await backend.aclose()
    with suppress(asyncio.CancelledError):
        await loading
    return True


@asynccontextmanager
async def shared_engine(
    place: Place,
    identity: EngineIdentity,
    backend: ModelBackend,
    *,
    name: str,
    admitted: Callable[[], AbstractContextManager[None]],
    observer: Observer,
) -> AsyncIterator[None]:
    """Chats of this user find `backend` until the block ends, unless another process is their engine already.

    Who has been admitted by then goes on, in the care of whoever has admitted it.
    """
    server = WarmServer(backend, identity, name=name, admitted=admitted)
    async with AsyncExitStack() as closing:
        try:
            claim = place.claim(identity.digest)
            if claim is None:
                observer.notify(EngineNotShared(name, "another process is the engine of this user's chats"))
            else:
                closing.callback(claim.release)
                server.open(claim.listen())
                closing.push_async_callback(server.close)
                observer.notify(EngineShared(name))
        except PlaceRefused as refused:
            observer.notify(EngineNotShared(name, str(refused)))
        yield


async def _loaded(backend: ModelBackend) -> None:
    """Ends when the model cannot be loaded, with its error; a model that is loaded is waited for no more."""
    await backend.ready()
    await asyncio.Event().wait()
