"""Which model answers a chat: that of a warm engine, of one that is started for it, or its own."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.events import EngineNotShared, WarmEngineLost
from nexxi_cli.core.ports import ModelBackend, Observer
from nexxi_cli.core.spans import span_text
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.first import WarmFirst
from nexxi_cli.infrastructure.warm.identity import absolute_name, identity_of
from nexxi_cli.infrastructure.warm.place import EngineGone, Place

if TYPE_CHECKING:
    from nexxi_cli.infrastructure.models.loader import ModelLoader  # a chat that finds an engine starts without


@dataclass(frozen=True, slots=True)
class Wanted:
    """The model of a chat, by the settings that bear on what it answers, and `prefix_cache_mb`."""

    name: str
    quantise: str
    threads: int | None
    prefix_cache_mb: int


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How an engine is left behind: for how long without a request, by which command, with which log."""

    span: timedelta
    command: Sequence[str]
    log: Path


def warm_or_own(
    wanted: Wanted,
    place: Place,
    *,
    own: Callable[[], ModelBackend],
    loader: "Callable[[], ModelLoader]",
    keep_alive: KeepAlive | None,
    observer: Observer,
) -> ModelBackend:
    """What answers the chat. Whatever begins to load does so at once; a name that stands for no model is for `own`."""
    try:
        identity = identity_of(wanted.name, quantise=wanted.quantise, threads=wanted.threads)
        engine = WarmEngine(place, identity, name=wanted.name)
        if keep_alive is None and not engine.is_there:
            return own()
    except EngineGone as refused:
        observer.notify(WarmEngineLost(wanted.name, str(refused)))
        return own()
    except NexxiError:
        return own()

    async def prepare() -> None:
        assert keep_alive is not None
        try:
            await _kept(engine, wanted, keep_alive, loader)
        except EngineGone as gone:
            observer.notify(EngineNotShared(wanted.name, str(gone)))
            raise

    return WarmFirst(
        engine, name=wanted.name, own=own, prepare=None if keep_alive is None else prepare, observer=observer
    )


async def _kept(engine: WarmEngine, wanted: Wanted, keep_alive: KeepAlive, loader: "Callable[[], ModelLoader]") -> None:
    """Have the engine stay; start it if there is none. Raises EngineGone, and what keeps the model from being had."""
    from nexxi_cli.infrastructure.warm.starter import engine_environment, listening, provided, start_detached

    if engine.is_there:
        await engine.keep(keep_alive.span.total_seconds())
        return
    models = loader()
    await provided(lambda: models.provide(wanted.name), models.stop)
    engine.which = identity_of(wanted.name, quantise=wanted.quantise, threads=wanted.threads)
    settings = {
        "model": absolute_name(wanted.name),
        "quantize": wanted.quantise,
        "threads": wanted.threads,
        "prefix_cache_mb": wanted.prefix_cache_mb,
        "keep_alive": span_text(keep_alive.span),
    }
    process = start_detached(keep_alive.command, engine_environment(os.environ, settings), keep_alive.log)
    await listening(process, lambda: engine.is_there, log=keep_alive.log)
    await engine.keep(keep_alive.span.total_seconds())  # it may be another chat's, which asked for less
