"""The engine beside its peers: prompts, decoding, many streams, the next turn; whether it says what transformers says.

Run from the repository root, with the default model pulled: `python -m tests.bench.bench_engine`. transformers runs in
the same process, in bfloat16. `--gguf FILE` is the GGUF from which the model was converted, which lies in the cache
under `weights`; with it, `--llama PYTHON` and `--openvino PYTHON` put llama.cpp and OpenVINO GenAI beside it: each the
interpreter of an environment that has it (`pip install llama-cpp-python`; `python3 -m venv ov && ov/bin/pip install
openvino-genai`). Two threads, greedy; the best of three. `--speeds` ends after the table of speeds.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.core.types import Message, Sampling
from nexxi_cli.infrastructure.engine.fast import FastEngine
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.tokens import TokenCodec, load_codec
from nexxi_cli.wiring import model_loader
from tests.bench import engine_peers
from tests.bench.engine_peers import Speeds

THREADS = 2
README = Path("README.md")
README_TOKENS = 1000
DECODED = 128
GREEDY = Sampling(temperature=0)
CHAT = Sampling(temperature=0, prompt_cache_key="bench")
QUESTIONS = (
    "What is the capital of France?",
    "Write a haiku about the sea.",
    "Explain what a hash table is.",
    "Give me three names for a cat.",
    "Why is the sky blue?",
    "Translate 'good morning' into Spanish.",
    "What is 12 times 12?",
    "Name the planets of the solar system.",
    "Who wrote Hamlet?",
    "How do I boil an egg?",
    "What does HTTP stand for?",
    "Summarise the story of Cinderella.",
    "What is the largest ocean?",
    "Tell me a joke.",
    "How many days has a leap year?",
    "What is photosynthesis?",
    "Write a Python function that adds two numbers.",
    "What is the boiling point of water?",
    "Describe a sunset in one sentence.",
    "What is the difference between a virus and a bacterium?",
)
TEXT = (
    "The harbour lay still in the early light, and the boats that had come in at night rocked against the wall."
    " Nobody had seen the stranger arrive. He sat on a bollard with his collar turned up and watched the water, as if"
    " he waited for something that was due. When the baker opened his shutters, the stranger rose and bought a"
    " loaf. He paid with a coin that was much too large, and asked for the way to the lighthouse."
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--llama", metavar="PYTHON")
    parser.add_argument("--openvino", metavar="PYTHON")
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--speeds", action="store_true")
    chosen = parser.parse_args()
    if (chosen.llama or chosen.openvino) and chosen.gguf is None:
        parser.error("--llama and --openvino need --gguf")
    torch.set_num_threads(THREADS)
    name = Settings().model
    paths = xdg_paths(os.environ)
    folder = ModelFolder(name, model_loader(paths).provide(name).path)
    codec = load_codec(folder)
    engine = FastEngine.load(folder, quantise="auto", threads=THREADS, packs=paths.cache / "engine", prefix_bytes=2**28)
    compiling = engine.compile_behind(after_s=0, closed=threading.Event())
    if compiling is not None:
        compiling.join()
    reference = AutoModelForCausalLM.from_pretrained(folder.path, dtype=torch.bfloat16).eval()
    ids = codec._tokenizer.encode(TEXT, add_special_tokens=False).ids
    ours = _ours(engine, ids)
    peers = {engine_peers.TRANSFORMERS: _transformers(reference, ids)}
    if chosen.llama:
        peers[engine_peers.LLAMA] = engine_peers.llama(chosen.llama, chosen.gguf, TEXT)
    if chosen.openvino:
        peers[engine_peers.OPENVINO] = engine_peers.openvino(chosen.openvino, chosen.gguf, TEXT)
    engine_peers.print_speeds(ours, peers)
    if chosen.speeds:
        return
    _together(engine, codec)
    _turns(engine, codec)
    _agreement(engine, codec, reference.float())
    readme = codec._tokenizer.encode(README.read_text(encoding="utf-8"), add_special_tokens=False).ids
    _perplexity(engine, reference, "a story", ids)
    _perplexity(engine, reference, README.name, readme[:README_TOKENS])


def _ours(engine: FastEngine, ids: Sequence[int]) -> Speeds:
    def generate(count: int, most: int) -> None:
        engine.generate(_of(ids, count), GREEDY, max_new_tokens=most, on_token=_ignore, stop=threading.Event())

    def decode() -> float:
        times: list[float] = []
        engine.generate(
            list(ids),
            GREEDY,
            max_new_tokens=DECODED + 1,
            on_token=lambda _: times.append(time.perf_counter()),
            stop=threading.Event(),
        )
        return (len(times) - 1) / (times[-1] - times[0])

    speeds = [count / _best(lambda count=count: generate(count, 1)) for count in (300, 2000)]  # type: ignore[misc]
    return speeds[0], speeds[1], max(decode() for _ in range(3))


def _transformers(model: Any, ids: Sequence[int]) -> Speeds:
    def generate(count: int, most: int) -> None:
        prompt = torch.tensor([_of(ids, count)])
        with torch.inference_mode():
            model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=most,
                min_new_tokens=most,
                do_sample=False,
                pad_token_id=0,
            )

    speeds = [count / _best(lambda count=count: generate(count, 1)) for count in (300, 2000)]  # type: ignore[misc]
    alone = _best(lambda: generate(len(ids), 1))
    return speeds[0], speeds[1], DECODED / (_best(lambda: generate(len(ids), DECODED + 1)) - alone)


def _together(engine: FastEngine, codec: TokenCodec) -> None:
    """Tokens a second of many streams, prompts included; how many replies are what they are alone."""
    things = [question.rstrip(".?").split()[-1] for question in QUESTIONS]
    prompts = [codec.encode([Message("user", f"Write a very long story about {thing}.")]) for thing in things]
    alone = [_streams(engine, [prompt])[0][0] for prompt in prompts[:16]]
    print("\nstreams  tokens/s  the same as alone")
    for count in (1, 2, 4, 8, 16):
        replies, seconds = min((_streams(engine, prompts[:count]) for _ in range(2)), key=lambda run: run[1])
        same = sum(one == other for one, other in zip(replies, alone, strict=False))
        print(f"{count:7}  {sum(map(len, replies)) / seconds:8.0f}  {same:2} of {count}")


def _streams(engine: FastEngine, prompts: Sequence[Sequence[int]]) -> tuple[list[list[int]], float]:
    replies: list[list[int]] = [[] for _ in prompts]
    here = _Here()
    for prompt, reply in zip(prompts, replies, strict=True):
        engine.start(here, prompt, GREEDY, max_new_tokens=DECODED, on_token=reply.append, stop=threading.Event())
    began = time.perf_counter()
    here.work()
    return replies, time.perf_counter() - began


class _Here(Executor):
    """Keeps the work for this thread: torch is slower where it has worked in two."""

    def submit(self, work: Callable[[], None]) -> None:  # type: ignore[override]
        self.work = work


def _turns(engine: FastEngine, codec: TokenCodec) -> None:
    """Time to the first token as conversations grow to about 3,000 tokens: of questions, and of long messages."""
    print()
    questions = [f"Write a very long story about {question.rstrip('.?').split()[-1]}." for question in QUESTIONS]
    _conversation(engine, codec, "questions of a line", questions, reply_tokens=130)
    messages = [f"Part {number}. {TEXT} Go on." for number in range(1, 21)]
    _conversation(engine, codec, "messages of a hundred tokens", messages, reply_tokens=40)


def _conversation(engine: FastEngine, codec: TokenCodec, kind: str, texts: Sequence[str], *, reply_tokens: int) -> None:
    messages: list[Message] = []
    firsts: list[float] = []
    for text in texts:
        messages.append(Message("user", text))
        prompt = codec.encode(messages)
        tokens: list[int] = []
        times: list[float] = []

        def take(token: int, tokens: list[int] = tokens, times: list[float] = times) -> None:
            tokens.append(token)
            times.append(time.perf_counter())

        began = time.perf_counter()
        engine.generate(prompt, CHAT, max_new_tokens=reply_tokens, on_token=take, stop=threading.Event())
        firsts.append(times[0] - began)
        messages.append(Message("assistant", codec._tokenizer.decode(tokens)))
    first, last = firsts[0] * 1000, firsts[-1] * 1000
    print(f"{kind}: first token of turn 1 {first:.0f} ms, of turn 20 after {len(prompt)} tokens {last:.0f} ms", end="")
    print(f" ({last / first:.2f} x)")


def _agreement(engine: FastEngine, codec: TokenCodec, reference: Any) -> None:
    """Greedy replies against transformers' in float32 on the same weights; each first difference with its margin."""
    same = 0
    print(f"\ngreedy replies of up to {DECODED} tokens that transformers gives too, in float32:")
    for question in QUESTIONS:
        prompt = codec.encode([Message("user", question)])
        tokens: list[int] = []
        engine.generate(prompt, GREEDY, max_new_tokens=DECODED, on_token=tokens.append, stop=threading.Event())
        with torch.inference_mode():
            scores = reference(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
        best = scores.argmax(-1).tolist()
        differing = [place for place, (one, other) in enumerate(zip(tokens, best, strict=True)) if one != other]
        if not differing:
            same += 1
            continue
        place = differing[0]
        margin = (scores[place, best[place]] - scores[place, tokens[place]]).item()
        spread = scores[place].std().item()
        print(
            f"  {question[:40]:40} token {place:3}: {margin:.3f} below the best (the scores' deviation is {spread:.1f})"
        )
    print(f"  {same} of {len(QUESTIONS)} are the same\n")


def _perplexity(engine: FastEngine, reference: Any, name: str, ids: Sequence[int]) -> None:
    model = engine._batch.model
    text = model.new_text()
    ours = torch.from_numpy(np.stack([model.read([token], text) for token in ids[:-1]]))
    with torch.inference_mode():
        theirs = reference(torch.tensor([list(ids[:-1])])).logits[0].float()
    wanted = torch.tensor(list(ids[1:]))
    one, other = (torch.nn.functional.cross_entropy(scores, wanted).exp().item() for scores in (ours, theirs))
    told = f"{one:.3f}, transformers in float32 {other:.3f} ({one / other - 1:+.2%})"
    print(f"perplexity of {len(ids)} tokens of {name}: {told}")


def _of(ids: Sequence[int], count: int) -> list[int]:
    return (list(ids) * (count // len(ids) + 1))[:count]


def _best(work: Callable[[], None]) -> float:
    def timed() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(timed() for _ in range(3))


def _ignore(_: int) -> None:
    pass


if __name__ == "__main__":
    main()
