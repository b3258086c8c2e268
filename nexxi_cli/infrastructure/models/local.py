"""The in-process backend: one model in memory, which generates in a thread of its own."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.core.events import ModelLoaded
from nexxi_cli.core.ports import Observer
from nexxi_cli.core.types import Delta, Message, ModelInfo, Sampling, Usage
from nexxi_cli.infrastructure.models.catalogue import KNOWN_MODELS
from nexxi_cli.infrastructure.models.constraint import Constraints, json_grammar
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.loader import ModelLoader
from nexxi_cli.infrastructure.models.stops import StopStrings
from nexxi_cli.infrastructure.models.tokens import TokenCodec, load_codec
from nexxi_cli.infrastructure.models.transformers_quiet import import_transformers

if TYPE_CHECKING:
    from nexxi_cli.infrastructure.engine.checkpoint import Quantise
    from nexxi_cli.infrastructure.engine.fast import FastEngine
    from nexxi_cli.infrastructure.models.engine import TransformersEngine

T = TypeVar("T")

DTYPES: Mapping[str, Literal["auto", "bfloat16", "float32"]] = {"auto": "auto", "bf16": "bfloat16", "f32": "float32"}
"""How transformers calls them."""


COMPILE_AFTER_S = 10.0
"""A reply to a script is over by then; a chat can bear that a compiler runs beside it, at the lowest priority."""
START_COMPILER_S = 1.0
"""The longest that the end of a process waits for that."""


class LocalBackend:
    """A ModelBackend over a model of this machine. It begins to load when it is made.

    The tokenizer is ready long before the weights, so a prompt can be counted and refused meanwhile.
    """

    def __init__(
        self,
        *,
        name: str,
        loader: ModelLoader,
        threads: int | None,
        quantise: "Quantise",
        packs: Path | None,
        prefix_bytes: int,
        observer: Observer,
        compiled: bool = False,
    ) -> None:
        """`packs` is a folder for quantised weights and, if `compiled`, for compiled steps; a backend has those made
        that it lacks, after COMPILE_AFTER_S or when it is closed. `prefix_bytes` bounds what is kept of texts that may
        go on.
        """
        self._name = name
        self._loader = loader
        self._observer = observer
        self._closed = threading.Event()
        self._compiled = compiled
        self._compiling: threading.Thread | None = None
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenizer")
        self._thinking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._found = self._reading.submit(self._find)
        self._reader = self._reading.submit(self._read)
        self._engine = self._thinking.submit(self._load, threads, quantise, packs, prefix_bytes)

    @property
    def is_down(self) -> bool:
        """Never: it is in this process."""
        return False

    async def info(self) -> ModelInfo:
        """Name and context length; waits until the model is on this machine. The engine is told once it is loaded."""
        folder, _ = await self._outcome(self._reader)
        known = KNOWN_MODELS.get(self._name)
        loaded = self._engine if self._engine.done() and self._engine.exception() is None else None
        engine = None if loaded is None else loaded.result()[0].words
        return ModelInfo(self._name, folder.context_length, known.system if known else None, engine=engine)

    async def ready(self) -> None:
        """Wait until the weights are loaded."""
        await self._outcome(self._engine)

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        """Length of the prompt in the model's own template."""
        _, codec = await self._outcome(self._reader)
        return len(await asyncio.to_thread(codec.encode, messages))

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        """Answer `messages`; closing the iterator stops the model within one token.

        Raises UsageError, before the model is asked, when the JSON schema cannot be followed.
        """
        schema = sampling.json_schema
        grammar = None if schema is None else await asyncio.to_thread(json_grammar, schema)
        folder, codec = await self._outcome(self._reader)
        prompt = await asyncio.to_thread(codec.encode, messages)
        engine, constraints = await self._outcome(self._engine)
        room = max(folder.context_length - len(prompt), 1)
        limit = min(sampling.max_new_tokens or room, room)
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        text, stops, stop = codec.text_stream(), StopStrings(sampling.stop), threading.Event()

        def hand_over(token: int) -> None:  # in the engine's thread, so that it makes no token past a stop string
            piece = stops.push(text.push(token))
            if stops.met:
                stop.set()
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def end(_: Future[bool]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
                loop.call_soon_threadsafe(pieces.put_nowait, None)

        constraint = None if grammar is None else await asyncio.to_thread(constraints.new, grammar)
        thought = engine.start(
            self._thinking,
            prompt,
            sampling,
            max_new_tokens=limit,
            on_token=hand_over,
            stop=stop,
            constraint=constraint,
        )
        thought.add_done_callback(end)
        count = 0
        try:
            while (piece := await pieces.get()) is not None:
                count += 1
                if piece:
                    yield Delta(piece)
            ended = stops.met or await self._outcome(thought)
            rest = stops.push(text.finish()) + stops.finish()
            yield Delta(rest, "stop" if ended or stops.met else "length", Usage(len(prompt), count))
        finally:
            stop.set()

    async def aclose(self) -> None:
        """Stop what runs. A library call that cannot be stopped (an import, a read) goes on without us."""
        self._closed.set()
        self._loader.stop()
        self._reading.shutdown(wait=False, cancel_futures=True)
        self._thinking.shutdown(wait=False, cancel_futures=True)
        if self._compiling is not None:
            await asyncio.to_thread(self._compiling.join, START_COMPILER_S)

    async def _outcome(self, future: "Future[T]") -> T:
        return await asyncio.shield(asyncio.wrap_future(future))

    def _find(self) -> ModelFolder:
        folder = self._loader.provide(self._name)
        _ = folder.context_length  # a configuration that is no model's fails here, not at the first prompt
        return folder

    def _read(self) -> tuple[ModelFolder, TokenCodec]:
        folder = self._found.result()
        return folder, load_codec(folder)

    def _load(
        self, threads: int | None, quantise: "Quantise", packs: Path | None, prefix_bytes: int
    ) -> tuple["FastEngine | TransformersEngine", Constraints]:
        began = time.monotonic()
        from nexxi_cli.infrastructure.engine.fast import FastEngine
        from nexxi_cli.infrastructure.engine.processor import is_for_the_cpu

        folder = self._found.result()
        if self._closed.is_set():
            raise ModelUnavailable(f"{self._name} was closed before it was loaded")
        engine: FastEngine | TransformersEngine
        try:
            if not is_for_the_cpu():
                raise UnsupportedModel("there is a CUDA device")
            engine = FastEngine.load(
                folder,
                quantise=quantise,
                threads=threads,
                packs=packs,
                prefix_bytes=prefix_bytes,
                compiled=self._compiled,
            )
            self._compiling = engine.compile_behind(after_s=COMPILE_AFTER_S, closed=self._closed)
        except UnsupportedModel as reason:
            engine = _by_transformers(folder, quantise, threads, prefix_bytes, reason)
        self._observer.notify(ModelLoaded(self._name, time.monotonic() - began))
        _, codec = self._reader.result()
        return engine, codec.constraints(engine.end_tokens)


def _by_transformers(
    folder: ModelFolder, quantise: "Quantise", threads: int | None, prefix_bytes: int, reason: UnsupportedModel
) -> "TransformersEngine":
    """What the fast engine does not cover, for this reason."""
    if quantise in ("int4", "int8"):
        raise UnsupportedModel(f"{folder.name} cannot be quantized here: {reason}; use bf16, f32 or auto") from reason
    import_transformers()
    from nexxi_cli.infrastructure.models.engine import TransformersEngine

    return TransformersEngine.load(folder, dtype=DTYPES[quantise], threads=threads, prefix_bytes=prefix_bytes)
