"""How fast personal data is taken out of a text: an ordinary log, and a text dense with it.

Run from the repository root: `python -m tests.bench.bench_redact`. Times are of the processor, of one core. `--datafog
PYTHON` and `--presidio PYTHON` put those beside it: the interpreter of an environment that has it (`pip install datafog
presidio-analyzer`). Presidio goes line by line, with its recognizers but without a model for names, which takes longer.

With `--jobs N`, N processes against one, by the clock and by the processor, on a log of `--size` MB and on dense text
of a sixteenth of it; with `--size MB` alone, one. Beside the times stands the most memory that a process held
(VmHWM of Linux), that of the processes that it began one by one.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

from nexxi_cli.wiring import redaction_filter

_WORDS = (
    "connection",
    "worker",
    "started",
    "cache",
    "miss",
    "request",
    "served",
    "timeout",
    "retry",
    "flushed",
    "index",
)
_DENSE = (
    "Please write to {name}@example.com or call +44 20 7946 0{number:03d} before Friday, says the manager.",
    "Card 4111 1111 1111 1111 of {name} was charged 12.{number:02d} EUR at the counter yesterday.",
    "The transfer goes to DE89 3704 0044 0532 0130 00 with the reference of invoice {number}.",
    "Login of {name} from 192.168.17.{byte} and 2001:db8::8a2e:370:7334, then nothing for a while.",
    "SSN 078-05-1120 was entered in the form by {name}, and the key AKIAIOSFODNN7EXAMPLE too.",
    "{name} lives at 221B Baker Street, London NW1 6XE and was born on 4/17/1986 as far as we know.",
    "The device 00:1A:2B:3C:4D:{byte:02X} has password=hunter{number} in its configuration, which is bad.",
)
_DATAFOG = """
import sys, time
from datafog import redact
text = open(sys.argv[1], encoding="utf-8").read()
began = time.process_time()
redact(text, engine="regex")
print(len(text) / (time.process_time() - began) / 1e6)
"""
_PRESIDIO = """
import sys, time, spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
engine = SpacyNlpEngine()
engine.nlp = {"en": spacy.blank("en")}
analyzer = AnalyzerEngine(nlp_engine=engine)
text = open(sys.argv[1], encoding="utf-8").read()
analyzer.analyze("warm", "en")
began = time.process_time()
for line in text.splitlines():
    analyzer.analyze(line, "en")
print(len(text) / (time.process_time() - began) / 1e6)
"""
PEERS = {"DataFog": _DATAFOG, "Presidio": _PRESIDIO}
"""What measures each."""
PEER_BYTES = 1 << 16
"""Of the text that they are given: Presidio takes a second for 100 KB, DataFog ever longer for more."""


def log_lines(rng: random.Random, size_bytes: int) -> str:
    """Lines of a server's log; one in 200 has an address of the network and one of e-mail."""
    lines: list[str] = []
    length = 0
    while length < size_bytes:
        hour, minute, second, milli = rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(1000)
        line = (
            f"2026-11-{rng.randint(1, 28):02d}T{hour:02d}:{minute:02d}:{second:02d}.{milli:03d}Z"
            f" {rng.choice(('INFO', 'WARN'))} [worker-{rng.randint(1, 9)}] {' '.join(rng.choices(_WORDS, k=4))}"
            f" id={rng.getrandbits(64):016x} path=/api/v1/items/{rng.randint(1, 99999)} status=200"
            f" bytes={rng.randint(100, 99999)} took {rng.random() * 100:.2f} ms"
        )
        if rng.random() < 0.005:
            line += f" client 10.1.2.{rng.randint(1, 254)} user{rng.randint(1, 9999)}@example.com"
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


def dense_lines(rng: random.Random, size_bytes: int) -> str:
    """Sentences with one to three findings each."""
    names = ("ada", "grace", "alan", "edsger", "barbara", "donald")
    lines: list[str] = []
    length = 0
    while length < size_bytes:
        line = rng.choice(_DENSE).format(name=rng.choice(names), number=rng.randint(1, 99), byte=rng.randint(16, 254))
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


def best_mb_s(work: Callable[[], object], size_bytes: int, runs: int = 3) -> float:
    """The best of some runs: others use this machine too."""
    best = 0.0
    for _ in range(runs):
        began = time.process_time()
        work()
        best = max(best, size_bytes / (time.process_time() - began) / 1e6)
    return best


def child_seconds(arguments: list[str], stdin: Path) -> tuple[float, float]:
    """Processor and wall time of a command that reads `stdin`."""
    before, began = os.times(), time.perf_counter()
    with stdin.open("rb") as file:
        subprocess.run(arguments, stdin=file, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return processor, time.perf_counter() - began


def repeated(path: Path, block: str, size_bytes: int) -> None:
    """A file of this size at least."""
    data = f"{block}\n".encode()
    with path.open("wb") as file:
        for _ in range(-(-size_bytes // len(data))):
            file.write(data)


def peaks_mb(pid: int) -> list[float]:
    """The most memory that a process and those that it began held so far, that of the first at the front."""
    peaks: list[float] = []
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        began = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it is over
        return peaks
    peaks += (int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM"))
    return peaks + [peak for child in began.split() for peak in peaks_mb(int(child))]


def watched(arguments: list[str], path: Path) -> tuple[float, float, list[float]]:
    """Wall time, processor time and peaks of memory of a command that reads a file."""
    before, began = os.times(), time.perf_counter()
    peaks: list[float] = []
    with path.open("rb") as file, subprocess.Popen(arguments, stdin=file, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peaks = [max(pair) for pair in zip_longest(peaks, peaks_mb(process.pid), fillvalue=0.0)]
            time.sleep(0.02)
    wall_s, after = time.perf_counter() - began, os.times()
    assert process.returncode == 0
    return wall_s, after.children_user + after.children_system - before.children_user - before.children_system, peaks


def print_large(redact: list[str], folder: Path, size_mb: int, jobs: int) -> None:
    """Print what large files take."""
    rng = random.Random(7)
    for name, block, share in (("log", log_lines(rng, 1 << 24), 1), ("dense", dense_lines(rng, 1 << 20), 16)):
        path = folder / "large"
        repeated(path, block, (size_mb << 20) // share)
        size = path.stat().st_size
        best: dict[int, float] = {}
        for count in (1, jobs, 1, jobs) if jobs > 1 else (1,):
            wall_s, processor_s, peaks = watched([*redact, "--jobs", str(count)], path)
            best[count] = min(wall_s, best.get(count, wall_s))
            held = " + ".join(f"{peak:.0f}" for peak in peaks)
            print(
                f"{name}, {size / 1e6:.0f} MB, {count} jobs: {wall_s:.1f} s, {processor_s:.1f} s of processors,"
                f" {held} MB of memory"
            )
        if jobs > 1:
            print(f"{name}: {jobs} jobs are {best[1] / best[jobs]:.2f} x as fast as one")
        path.unlink()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=16, help="size of each text")
    parser.add_argument("--jobs", type=int, default=1, help="only: so many processes against one")
    parser.add_argument("--size", type=int, metavar="MB", help="only: a file of this size; 1024 with --jobs")
    for name in PEERS:
        parser.add_argument(f"--{name.lower()}", metavar="PYTHON", help=f"an interpreter that has {name}")
    arguments = parser.parse_args()
    redact = [sys.executable, "-m", "nexxi_cli", "redact", "-q"]
    if arguments.jobs > 1 or arguments.size is not None:
        with tempfile.TemporaryDirectory() as folder:
            print_large(redact, Path(folder), arguments.size or 1024, arguments.jobs)
        return
    rng = random.Random(7)
    safety = redaction_filter()
    safety.check("warm")
    with_names = redaction_filter(names=True)
    with_names.check("warm")
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty"
        empty.touch()
        starts = [child_seconds(redact, empty) for _ in range(5)]
        processor_s, wall_s = (min(times) for times in zip(*starts, strict=True))
        print(f"start on an empty file: {wall_s:.2f} s ({processor_s:.2f} s of the processor)")
        for name, text in (
            ("log", log_lines(rng, arguments.mb << 20)),
            ("dense", dense_lines(rng, arguments.mb << 20)),
        ):
            file = Path(folder) / name
            file.write_text(text, encoding="utf-8")
            found = len(safety.check(text[: 1 << 20]).findings)
            whole = best_mb_s(lambda text=text: safety.check(text), len(text))  # type: ignore[misc]
            piped = min(child_seconds(redact, file)[0] for _ in range(2)) - processor_s
            print(f"{name}: {found} findings a MB; filter {whole:.1f} MB/s")
            print(f"{name}: nexxi redact {len(text) / piped / 1e6:.1f} MB/s after its start")
            named = best_mb_s(lambda text=text: with_names.check(text[: 1 << 20]), 1 << 20)  # type: ignore[misc]
            print(f"{name}: with names {named:.1f} MB/s")
            part = Path(folder) / "part"
            for peer, code in PEERS.items():
                if python := getattr(arguments, peer.lower()):
                    part.write_text(text[:PEER_BYTES], encoding="utf-8")
                    done = subprocess.run([python, "-c", code, str(part)], capture_output=True, text=True, check=True)
                    print(f"{name}: {peer} {float(done.stdout.split()[-1]):.2f} MB/s")


if __name__ == "__main__":
    main()
