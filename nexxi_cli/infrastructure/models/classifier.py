"""TransformersClassifier: a text-classification model in this process. Knows how it is had; knows no rule."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import ModelUnavailable, NexxiError
from nexxi_cli.infrastructure.models.loader import ModelLoader
from nexxi_cli.infrastructure.models.transformers_quiet import import_transformers

if TYPE_CHECKING:
    from nexxi_cli.infrastructure.models.windows import WindowScorer


class TransformersClassifier:
    """A Classifier over a folder or a model of the hub. It judges one text at a time."""

    def __init__(self, name: str, loader: ModelLoader) -> None:
        self._name = name
        self._loader = loader
        self._closed = threading.Event()
        self._judging = threading.Lock()
        self._loading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moderation")
        self._scorer = self._loading.submit(self._load)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self._name

    async def ready(self) -> None:
        """Wait until the weights are loaded."""
        await asyncio.shield(asyncio.wrap_future(self._scorer))

    def labels(self) -> Sequence[str]:
        """The labels of the model's configuration, in the order of its outputs."""
        return self._scorer.result().labels

    def scores(self, text: str) -> Mapping[str, float]:
        """How sure the model is of each label: the highest of any window of the text."""
        scorer = self._scorer.result()
        with self._judging:
            return scorer.scores(text, stop=self._closed)

    async def aclose(self) -> None:
        """Stop after the windows that are under way. A library call that cannot be stopped goes on without us."""
        self._closed.set()
        self._loader.stop()
        self._loading.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> "WindowScorer":
        try:
            folder = self._loader.provide(self._name)
            import_transformers()
            from nexxi_cli.infrastructure.models.windows import WindowScorer

            if self._closed.is_set():
                raise ModelUnavailable(f"{self._name} was closed before it was loaded")
            return WindowScorer.load(folder)
        except NexxiError as error:
            raise type(error)(f"moderation_model: {error}") from error
