"""An engine over a scripted model on a real socket, in the test's event loop, and one that says what the test wrote."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

from nexxi_cli.core.ports import ModelBackend
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.identity import EngineIdentity
from nexxi_cli.infrastructure.warm.lease import Lease
from nexxi_cli.infrastructure.warm.place import Place
from nexxi_cli.infrastructure.warm.protocol import identity_line
from nexxi_cli.infrastructure.warm.server import WarmServer

IDENTITY = EngineIdentity("sha256:abc", "auto", None)


@dataclass
class Running:
    """An engine, and a client of it."""

    server: WarmServer
    engine: WarmEngine
    lease: Lease | None


def admit_all() -> AbstractContextManager[None]:
    return nullcontext()


@asynccontextmanager
async def an_engine(
    backend: ModelBackend, place: Place, *, identity: EngineIdentity = IDENTITY, lease: Lease | None = None
) -> AsyncIterator[Running]:
    """An engine that runs until the block ends; its socket is called as the client expects that of IDENTITY."""
    claim = place.claim(IDENTITY.digest)
    assert claim is not None
    server = WarmServer(backend, identity, name="m", admitted=admit_all if lease is None else lease.used, lease=lease)
    server.open(claim.listen())
    try:
        yield Running(server, WarmEngine(place, IDENTITY, name="mine"), lease)
    finally:
        await server.aclose()
        claim.release()


@asynccontextmanager
async def an_engine_that_says(
    place: Place, lines: Sequence[bytes], *, hangs: bool = False
) -> AsyncIterator[WarmEngine]:
    """It introduces itself, takes what it is asked, says these lines, and is gone; or `hangs` instead of all that."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if hangs:
            await reader.read()
        writer.write(identity_line(IDENTITY))
        await reader.readline()
        writer.writelines(lines)
        writer.close()

    claim = place.claim(IDENTITY.digest)
    assert claim is not None
    async with await asyncio.start_unix_server(say, sock=claim.listen()):
        yield WarmEngine(place, IDENTITY, name="mine")
    claim.release()
