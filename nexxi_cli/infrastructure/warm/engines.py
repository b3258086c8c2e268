"""The engines of this user that run: listed, and ended."""

from collections.abc import Sequence
from contextlib import suppress

from nexxi_cli.core.errors import NexxiError, NotFound
from nexxi_cli.core.types import RunningEngine
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.identity import absolute_name
from nexxi_cli.infrastructure.warm.place import EngineGone, Place


async def running_engines(place: Place) -> Sequence[RunningEngine]:
    """What runs now, of whatever version. Raises PlaceRefused."""
    return [status for _, status in await _running(place)]


async def stop_engines(place: Place, name: str | None) -> Sequence[RunningEngine]:
    """End the engines of this model, or all that chats have left behind; what they were.

    Raises NotFound when there is none, UsageError for the engine of a server, PlaceRefused.
    """
    wanted = None
    if name is not None:
        wanted = name
        with suppress(NotFound):  # an engine may outlive its model's files
            wanted = absolute_name(name)
    stopped = []
    for engine, status in await _running(place):
        if wanted == status.model or (wanted is None and status.host == "chat"):
            with suppress(EngineGone):
                stopped.append(await engine.stop())
    if not stopped:
        which = "no engine" if name is None else f"no engine of {name}"
        raise NotFound(f"{which} stays loaded; `nexxi doctor` shows what does")
    return stopped


async def _running(place: Place) -> list[tuple[WarmEngine, RunningEngine]]:
    found = []
    for name in place.names():
        engine = WarmEngine(place, name)
        with suppress(NexxiError):  # killed, stuck, or of a version that says other things
            found.append((engine, await engine.status()))
    return found
