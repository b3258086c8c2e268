"""Other engines with the same GGUF, each in the interpreter of an environment that has it, and what ours aims at.

They read the text of the benchmark 300 and 2,000 tokens long, and write 128 tokens after it: greedily, with two
threads, the best of three, and nothing kept of what was read before.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Speeds = tuple[float, float, float]
"""Tokens a second of a prompt of 300 tokens, of one of 2,000, and of decoding."""

LLAMA, OPENVINO, TRANSFORMERS = "llama.cpp", "OpenVINO GenAI", "transformers, bf16"
AIMS: Mapping[str, Sequence[float | None]] = {
    LLAMA: (3.0, 3.0, 1.5),
    OPENVINO: (1.5, 1.5, 1.2),
    TRANSFORMERS: (None, None, 5.0),
}
"""How many times as fast as each of them ours has to be, in the order of Speeds."""

_LLAMA = """
import sys, time
from llama_cpp import Llama
model = Llama(sys.argv[1], n_threads=2, n_threads_batch=2, n_ctx=4096, verbose=False)
ids = model.tokenize(sys.argv[2].encode(), add_bos=False)
def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
def read(count):
    model.reset()
    model.eval((ids * (count // len(ids) + 1))[:count])
def decode():
    for _ in range(128):
        model.eval([model.sample(temp=0)])
for count in (300, 2000):
    print(count / min(timed(lambda: read(count)) for _ in range(3)))
model.reset()
model.eval(ids)
print(128 / min(timed(decode) for _ in range(3)))
"""
_OPENVINO = """
import sys, time
import numpy, openvino, openvino_genai
scheduler = openvino_genai.SchedulerConfig()
scheduler.enable_prefix_caching = False
scheduler.max_num_batched_tokens = 4096  # a prompt in one piece, as its pipeline does by default
model = openvino_genai.LLMPipeline(sys.argv[1], "CPU", scheduler_config=scheduler, INFERENCE_NUM_THREADS=2)
ids = model.get_tokenizer().encode(sys.argv[2], add_special_tokens=False).input_ids.data[0].tolist()
def generate(count, most):
    prompt = numpy.array([(ids * (count // len(ids) + 1))[:count]])
    tokens = openvino_genai.TokenizedInputs(openvino.Tensor(prompt), openvino.Tensor(numpy.ones_like(prompt)))
    began = time.perf_counter()
    done = model.generate(tokens, max_new_tokens=most, do_sample=False, ignore_eos=True)
    return time.perf_counter() - began, done.perf_metrics.get_tpot().mean
for count in (300, 2000):
    print(count / min(generate(count, 1)[0] for _ in range(3)))
print(1000 / min(generate(len(ids), 129)[1] for _ in range(3)))  # milliseconds a token, after the first
"""


def llama(python: str, gguf: Path, text: str) -> Speeds:
    """llama.cpp, through llama-cpp-python."""
    return _run(python, _LLAMA, gguf, text)


def openvino(python: str, gguf: Path, text: str) -> Speeds:
    """OpenVINO GenAI."""
    return _run(python, _OPENVINO, gguf, text)


def print_speeds(ours: Speeds, peers: Mapping[str, Speeds]) -> None:
    """One table: what each does and, below each peer, how many times as fast ours is, and should be."""
    print(f"{'tokens/s':20}  prompt of 300   prompt of 2,000  decoding")
    for name, speeds in {"nexxi": ours, **peers}.items():
        print(f"{name:20}  {speeds[0]:13.0f}   {speeds[1]:15.0f}  {speeds[2]:8.1f}")
    for name, speeds in peers.items():
        told = [
            f"{one / other:.2f} x" + (f" ({'meets' if one >= aim * other else 'MISSES'} {aim:g})" if aim else "")
            for one, other, aim in zip(ours, speeds, AIMS[name], strict=True)
        ]
        print(f"nexxi to {name}: {', '.join(told)}")


def _run(python: str, script: str, gguf: Path, text: str) -> Speeds:
    run = subprocess.run([python, "-c", script, str(gguf), text], capture_output=True, text=True, check=True)
    short, long, decoded = map(float, run.stdout.split())
    return short, long, decoded
