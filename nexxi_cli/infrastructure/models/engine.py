"""Generation by transformers: the way in for every architecture, and the reference for any faster engine.

What it does on CUDA, with a static cache and in bfloat16, was not run on a GPU so far (see held.py).
"""

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from nexxi_cli.core.errors import ModelUnavailable
from nexxi_cli.core.types import Sampling
from nexxi_cli.infrastructure.models.constraint import Constraint
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.generating import Stopped
from nexxi_cli.infrastructure.models.held import CacheKind, HeldText, cache_kind, has_attention
from nexxi_cli.infrastructure.models.masking import DocumentEnd, Mask
from nexxi_cli.infrastructure.models.pretrained import first_line, read_model

GREEDY_BELOW = 1e-5
"""Temperatures below it are 0, as in vLLM: logits that are divided by less overflow, and the likeliest token wins
long before that.
"""
PREFILL_CHUNK_TOKENS = 512
"""A prompt is read in pieces of this size: it bounds the memory, and how long a cancelled reply goes on."""


class TransformersEngine:
    """One model in memory. Generates one reply at a time; use it from one thread."""

    def __init__(self, model: Any, *, cache: CacheKind | None = None, prefix_bytes: int = 0) -> None:
        """`cache`: None for the one that suits the model's device. `prefix_bytes` bounds what is kept of the text that
        was read last, in case it goes on.
        """
        self._model = model
        self._held = HeldText(_text_config(model), cache or _kind_for(model), prefix_bytes)
        self._stop: threading.Event | None = None
        model.register_forward_pre_hook(self._check)

    @classmethod
    def load(
        cls,
        folder: ModelFolder,
        *,
        dtype: Literal["auto", "bfloat16", "float32"],
        threads: int | None,
        prefix_bytes: int = 0,
    ) -> "TransformersEngine":
        """Read the weights, onto a CUDA device if there is one. Raises ModelUnavailable and UnsupportedModel."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if threads is not None:
            torch.set_num_threads(threads)
        wanted = getattr(torch, dtype_for(folder.config, device) if dtype == "auto" else dtype)
        model = read_model(AutoModelForCausalLM, folder, wanted)
        return cls(model.to(device).eval(), prefix_bytes=prefix_bytes)

    @property
    def words(self) -> str:
        """What computes and with what, for people."""
        device, dtype = self._model.device.type, str(self._model.dtype).removeprefix("torch.")
        where = f"CPU, threads: {torch.get_num_threads()}" if device == "cpu" else device.upper()
        return f"transformers, {dtype}, {where}" + (", static cache" if self._held.kind == "static" else "")

    @property
    def end_tokens(self) -> Set[int]:
        """The tokens with which the model ends a reply."""
        return _end_tokens(self._model.generation_config)

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
        """Answer `prompt` in `thread`, which has one worker, after those before it; the outcome is as of `generate`."""
        return thread.submit(
            self.generate,
            prompt,
            sampling,
            max_new_tokens=max_new_tokens,
            on_token=on_token,
            stop=stop,
            constraint=constraint,
        )

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

        `constraint` says which tokens may come, and ends the reply when none may. What the text that was read last, of
        the same `prompt_cache_key`, has in common with the prompt is not read again where the cache allows it. Raises
        Stopped within one token once `stop` is set, ModelUnavailable when the model fails, and what `constraint`
        raises.
        """
        config = self._generation_config(sampling, max_new_tokens)
        stream = _TokenStream(on_token, _end_tokens(config))
        ids = torch.tensor([list(prompt)], device=self._model.device)  # (1, prompt)
        self._stop = stop
        try:
            with torch.inference_mode(), torch.random.fork_rng():
                if sampling.seed is None:
                    torch.seed()
                else:
                    torch.manual_seed(sampling.seed)
                most = len(prompt) + max_new_tokens
                with self._held.lent(prompt, stream.tokens, sampling.prompt_cache_key, most=most) as cache:
                    self._model.generate(
                        ids,
                        attention_mask=torch.ones_like(ids),
                        generation_config=config,
                        logits_processor=LogitsProcessorList([Mask(constraint)] if constraint else []),
                        stopping_criteria=StoppingCriteriaList([DocumentEnd(constraint)] if constraint else []),
                        streamer=stream,
                        **({} if cache is None else {"cache": cache}),
                    )
        except RuntimeError as error:  # torch's own, out of memory among them
            raise ModelUnavailable(f"the model failed: {first_line(error)}") from error
        finally:
            self._stop = None
        return stream.ended or (constraint is not None and constraint.is_over)

    def _check(self, *_: object) -> None:
        if self._stop is not None and self._stop.is_set():
            raise Stopped

    def _generation_config(self, sampling: Sampling, max_new_tokens: int) -> GenerationConfig:
        """The model's own configuration with what the request says over it; temperature 0 is greedy."""
        config: Any = GenerationConfig.from_dict(self._model.generation_config.to_dict())
        config.max_new_tokens, config.max_length = max_new_tokens, None
        config.prefill_chunk_size = None if self._held.kind == "its own" else PREFILL_CHUNK_TOKENS
        config.disable_compile = True
        if config.pad_token_id is None:
            config.pad_token_id = 0  # one sequence at a time: nothing is ever padded
        if sampling.temperature is not None or sampling.top_p is not None:
            config.do_sample = sampling.temperature is None or sampling.temperature >= GREEDY_BELOW
        if config.do_sample:
            config.temperature = sampling.temperature or config.temperature
            config.top_p = sampling.top_p if sampling.top_p is not None else config.top_p
        else:
            config.temperature = config.top_p = config.top_k = config.min_p = None
        return config


class _TokenStream:
    """What transformers' generate calls with the prompt first, then with each token (BaseStreamer)."""

    def __init__(self, on_token: Callable[[int], None], end_tokens: Set[int]) -> None:
        self._on_token = on_token
        self._end_tokens = end_tokens
        self._past_prompt = False
        self.ended = False
        self.tokens: list[int] = []

    def put(self, value: torch.Tensor) -> None:
        if not self._past_prompt:
            self._past_prompt = True
            return
        token = int(value.flatten()[0])
        self.tokens.append(token)
        if token in self._end_tokens:
            self.ended = True
        else:
            self._on_token(token)

    def end(self) -> None:
        """Nothing is held back."""


def _end_tokens(config: GenerationConfig) -> Set[int]:
    ids = config.eos_token_id
    return {ids} if isinstance(ids, int) else set(ids or ())


def _kind_for(model: Any) -> CacheKind:
    return cache_kind(
        model.device.type,
        takes_caches=model._supports_default_dynamic_cache() and has_attention(_text_config(model)),  # noqa: SLF001 - its only name
        has_fixed_shapes=model._can_compile_fullgraph,  # noqa: SLF001 - its only name
    )


def _text_config(model: Any) -> Any:
    return model.config.get_text_config(decoder=True)


def dtype_for(config: Mapping[str, Any], device: str) -> Literal["bfloat16", "float32"]:
    """What weights are computed in by default, by the model's config.json.

    On CUDA it is bfloat16. Elsewhere it is what they were saved in; half precision becomes bfloat16, which CPUs
    compute faster.
    """
    text = config.get("text_config") or config
    saved = text.get("dtype") or text.get("torch_dtype")
    return "float32" if saved == "float32" and device != "cuda" else "bfloat16"
