"""Where transformers holds the keys and values of a text, and what of them the next prompt can use.

A dynamic cache grows with its text. A static one has its size from the beginning, so that a GPU allocates and copies
nothing while it decodes. The static cache was run on a CPU only, against the dynamic one: neither it nor bfloat16
weights were run on CUDA so far, nor was its forward pass compiled, which `transformers` would do there by itself: the
first reply would wait for that, so it is turned off.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from transformers import DynamicCache, StaticCache

from nexxi_cli.infrastructure.models.generating import Stopped

CacheKind = Literal["dynamic", "static", "its own"]

LEAST_LENGTH = 1024


def cache_kind(device: str, *, takes_caches: bool, has_fixed_shapes: bool) -> CacheKind:
    """What a model computes with on a device, "cpu" or "cuda"; "its own" if it takes no cache of anybody's.

    has_fixed_shapes: whether transformers vouches for the model with a cache whose size stays.
    """
    if not takes_caches:
        return "its own"
    return "static" if device == "cuda" and has_fixed_shapes else "dynamic"


def has_attention(config: Any) -> bool:
    """Whether any layer keeps keys and values; those of Mamba and its kin have a state instead, and no way back."""
    return not all(DynamicCache(config=config).is_linear)


def static_length(needed: int, context: int | None) -> int:
    """For how many tokens a static cache is made of which so many are needed: a power of two, so that texts of about
    the same length share one; at most the model's context, at least LEAST_LENGTH, never less than `needed`.
    """
    roomy = max(1 << (needed - 1).bit_length(), LEAST_LENGTH)
    return max(min(roomy, context or roomy), needed)


class HeldText:
    """The cache of one model, which holds the text that it read last.

    A prompt of the same `prompt_cache_key` reads only what is new to it. Sliding windows, and whatever else forgets
    what lies back, allow no way back to a beginning: with them each prompt is read whole.
    """

    def __init__(self, config: Any, kind: CacheKind, most_bytes: int) -> None:
        """`config` is the model's own. A text that takes more than `most_bytes` is not kept; none is with 0."""
        self.kind = kind
        self._config = config
        self._most_bytes = most_bytes
        self._cache: Any = None
        self._tokens: Sequence[int] = ()
        self._key: str | None = None

    @contextmanager
    def lent(self, prompt: Sequence[int], written: Sequence[int], key: str | None, *, most: int) -> Iterator[Any]:
        """The cache for a prompt and its reply, `most` tokens together; None if the model makes its own.

        It holds as much of the prompt's beginning as is known, but never the whole. `written` is the reply as it grows.
        Whoever fails does not give it back; who is Stopped, which is between two tokens, does.
        """
        if self.kind == "its own":
            yield None
            return
        cache = self._ready(prompt, key, most)
        self._cache, self._tokens, self._key = None, (), None
        try:
            yield cache
        except Stopped:
            self._take_back(cache, (*prompt, *written), key)
            raise
        self._take_back(cache, (*prompt, *written), key)

    def _ready(self, prompt: Sequence[int], key: str | None, most: int) -> Any:
        cache, held = self._cache, len(self._tokens)
        if self.kind == "static" and (cache is None or cache.get_max_length() < most):
            return StaticCache(
                self._config, static_length(most, getattr(self._config, "max_position_embeddings", None))
            )
        known = _shared(self._tokens, prompt[:-1]) if key is not None and key == self._key else 0
        if known:
            cache.crop(known - held)
            return cache
        if self.kind == "dynamic":
            return DynamicCache(config=self._config)
        cache.reset()
        return cache

    def _take_back(self, cache: Any, tokens: Sequence[int], key: str | None) -> None:
        is_kept = key is not None and _goes_back(cache) and self._costs(cache) < self._most_bytes
        if is_kept or self.kind == "static":
            self._cache = cache
        self._tokens = tokens[: int(cache.get_seq_length())] if is_kept else ()
        self._key = key if is_kept else None

    def _costs(self, cache: Any) -> int:
        """Bytes that would be free otherwise."""
        if self.kind == "static":
            return 0
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers if layer.is_initialized)


def _goes_back(cache: Any) -> bool:
    return bool(cache.is_croppable) and not any(cache.is_sliding)


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How long the beginning is that both have."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (here, there) in enumerate(pairs) if here != there), min(len(one), len(other)))
