"""Generation by our own engine: one model in memory, replies made together, each after what its text already holds."""

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.engine.batch import Batch
from nexxi_cli.infrastructure.engine.checkpoint import Checkpoint, Quantise
from nexxi_cli.infrastructure.engine.compiled import CompiledStep, step_of
from nexxi_cli.infrastructure.engine.kv import Prefixes
from nexxi_cli.infrastructure.engine.model import Model
from nexxi_cli.infrastructure.engine.processor import threads_for
from nexxi_cli.infrastructure.engine.reply import Reply
from nexxi_cli.infrastructure.engine.sampler import Sampler, rule_of
from nexxi_cli.infrastructure.engine.shape import shape_of
from nexxi_cli.infrastructure.models.constraint import Constraint
from nexxi_cli.infrastructure.models.folder import ModelFolder


class FastEngine:
    """One Llama-like model on the CPU. What it does, it does in one thread at a time.

    Replies that are made together are those that each would be alone: the compiled step treats each row by itself, and
    so do torch's quantised kernels. With bf16 and f32, rounding may differ, and with it the choice between tokens that
    are equally likely but for that.
    """

    def __init__(
        self,
        model: Model,
        defaults: Mapping[str, Any],
        end_tokens: Set[int],
        prefix_bytes: int,
        *,
        missing: CompiledStep | None,
    ) -> None:
        """`missing`: the compiled step that the model has not yet."""
        self._batch = Batch(model, Prefixes(prefix_bytes))
        self._missing = missing
        self._defaults = defaults
        self._end_tokens = end_tokens

    @classmethod
    def load(
        cls,
        folder: ModelFolder,
        *,
        quantise: Quantise,
        threads: int | None,
        packs: Path | None,
        prefix_bytes: int,
        compiled: bool = True,
    ) -> "FastEngine":
        """Map the weights into memory. Raises UnsupportedModel for a shape that is not covered, ModelUnavailable.

        `packs` is a folder where quantised weights are kept, and the compiled steps that are used if `compiled`;
        `prefix_bytes` bounds the keys and values of texts that may go on.
        """
        checkpoint, threads = Checkpoint(folder.path, shape_of(folder.config)), threads_for(threads)
        step = None
        if packs is not None and compiled:
            step = step_of(checkpoint, quantise, threads=threads, folder=packs)
        model: Model | None = None if step is None else step.load()
        missing = None
        if model is None:
            from nexxi_cli.infrastructure.engine.weights import load_llama  # torch takes a second

            model = llama = load_llama(checkpoint, quantise, threads=threads, packs=packs)
            missing = step if llama.weights.is_quantised else None
        ends = end_tokens_of(folder.generation_config, folder.config)
        return cls(model, folder.generation_config, ends, prefix_bytes, missing=missing)

    def compile_behind(self, *, after_s: float, closed: threading.Event) -> threading.Thread | None:
        """Have the steps compiled that are not yet, if this machine can, after `after_s` or when it is `closed`.

        They are used from then on. Nothing has to wait for the thread that sees to it, but a process that ends, for a
        moment, so that the compiler has started; None when there is no need.
        """
        if self._missing is None:
            return None
        return self._missing.make_behind(self._batch.use, after_s=after_s, closed=closed)

    @property
    def words(self) -> str:
        """What it computes with at present, for people."""
        return f"Nexxi's own, {self._batch.model.words}"

    @property
    def end_tokens(self) -> Set[int]:
        """The tokens with which the model ends a reply."""
        return self._end_tokens

    def start(
        self,
        thread: Executor,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        max_new_tokens: int,
        on_token: Callable[[int], None],
        stop: threading.Event,
        constraint: Constraint | None = None,
    ) -> Future[bool]:
        """Answer `prompt` in `thread`, which has one worker; the rest as of `generate`, and so is the outcome."""
        reply = self._reply(prompt, sampling, max_new_tokens, on_token, stop, constraint)
        self._batch.add(reply, thread.submit)
        return reply.outcome

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
        is set, ModelUnavailable when the model fails, and what `constraint` and `on_token` raise.
        """
        reply = self._reply(prompt, sampling, max_new_tokens, on_token, stop, constraint)
        self._batch.add(reply, lambda work: work())
        return reply.outcome.result()

    def _reply(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        max_new_tokens: int,
        on_token: Callable[[int], None],
        stop: threading.Event,
        constraint: Constraint | None,
    ) -> Reply:
        return Reply(
            prompt,
            sampling.prompt_cache_key,
            Sampler(rule_of(self._defaults, sampling), sampling.seed),
            end_tokens=self._end_tokens,
            max_new_tokens=max_new_tokens,
            on_token=on_token,
            stop=stop,
            constraint=constraint,
        )


def end_tokens_of(defaults: Mapping[str, Any], config: Mapping[str, Any]) -> Set[int]:
    """The ids that end a reply: generation_config.json's, or else config.json's."""
    ids = defaults.get("eos_token_id", config.get("eos_token_id"))
    return {ids} if isinstance(ids, int) else set(ids or ())
