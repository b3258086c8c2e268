"""Generation by our own engine: one model in memory, replies one at a time, each after what its text already holds."""

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import torch

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine.kv import KeyValues, Prefixes
from nexxi_cli.infrastructure.engine.llama import Llama
from nexxi_cli.infrastructure.engine.packs import Packs, pack_file
from nexxi_cli.infrastructure.engine.sampler import Sampler, rule_of
from nexxi_cli.infrastructure.engine.shape import shape_of
from nexxi_cli.infrastructure.engine.weights import Checkpoint, Loader, Quantise
from nexxi_cli.infrastructure.models.constraint import Constraint
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.generating import Stopped

CHUNK = 256
"""Tokens of a prompt that are read at a time: it bounds the memory, and how long a cancelled reply goes on."""


class FastEngine:
    """One Llama-like model on the CPU. Generates one reply at a time; use it from one thread."""

    def __init__(self, model: Llama, defaults: Mapping[str, Any], end_tokens: Set[int], prefix_bytes: int) -> None:
        self._model = model
        self._defaults = defaults
        self._end_tokens = end_tokens
        self._prefixes = Prefixes(prefix_bytes)

    @classmethod
    def load(
        cls, folder: ModelFolder, *, quantise: Quantise, threads: int | None, packs: Path | None, prefix_bytes: int
    ) -> "FastEngine":
        """Map the weights into memory. Raises UnsupportedModel for a shape that is not covered, ModelUnavailable.

        `packs` is a folder where quantised weights are kept; `prefix_bytes` bounds the keys and values of texts that
        may go on.
        """
        shape = shape_of(folder.config)
        if threads is not None:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            loader = Loader(shape, Checkpoint(folder.path), quantise)
            file = None if packs is None else pack_file(packs, folder.path, loader.kind)
            model = Llama(shape, loader.load(Packs(file)))
        defaults = folder.generation_config
        return cls(model, defaults, end_tokens_of(defaults, folder.config), prefix_bytes)

    @property
    def end_tokens(self) -> Set[int]:
        """The tokens with which the model ends a reply."""
        return self._end_tokens

    def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        max_new_tokens: int,
        on_token: Callable[[int], None],
        stop: threading.Event,
        constraint: Constraint | None = None,
    ) -> bool:
        """Answer `prompt`, one `on_token` a token, the end token not among them; True if the reply ended by itself.

        `constraint` says which tokens may come, and ends the reply when none may. What texts of the same
        `prompt_cache_key` have in common with the prompt is not read again. Raises Stopped within one token once `stop`
        is set, ModelUnavailable when the model fails, and what `constraint` raises.
        """
        sampler = Sampler(rule_of(self._defaults, sampling), sampling.seed)
        key = sampling.prompt_cache_key
        text = (None if key is None else self._prefixes.take(key, prompt)) or self._model.new_text()
        try:
            with torch.inference_mode():
                scores = self._read(prompt[text.length :], text, stop)
                for _ in range(max_new_tokens):
                    token = sampler.choose(scores, text.tokens, None if constraint is None else constraint.allowed())
                    if token in self._end_tokens:
                        return True
                    if constraint is not None:
                        constraint.take(token)
                    on_token(token)
                    if constraint is not None and constraint.is_over:
                        return True
                    scores = self._read([token], text, stop)
                return False
        except RuntimeError as error:  # torch's own, out of memory among them
            raise ModelUnavailable(f"the model failed: {' '.join(str(error).split())[:160]}") from error
        finally:
            if key is not None:
                self._prefixes.put(key, text)

    def _read(self, tokens: Sequence[int], text: KeyValues, stop: threading.Event) -> torch.Tensor:
        scores = None
        for begin in range(0, len(tokens), CHUNK):
            if stop.is_set():
                raise Stopped
            scores = self._model.read(tokens[begin : begin + CHUNK], text)
        assert scores is not None
        return scores


def end_tokens_of(defaults: Mapping[str, Any], config: Mapping[str, Any]) -> Set[int]:
    """The ids that end a reply: generation_config.json's, or else config.json's."""
    ids = defaults.get("eos_token_id", config.get("eos_token_id"))
    return {ids} if isinstance(ids, int) else set(ids or ())


def is_for_the_cpu() -> bool:
    """Whether this machine's models run here; on a CUDA device they run by transformers."""
    return not torch.cuda.is_available()
