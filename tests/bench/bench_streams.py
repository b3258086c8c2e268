"""What we add to 16 streams of a model server: `python -m tests.bench.bench_streams [--url http://host:8000/v1]`.

The same streams directly and through one and two workers, by turns in one run: tokens a second of all together, and
the median time to the first text. Each client keeps its connection and asks --each times, one after the other; they
begin --apart, so the first text of each comes while the others are written. A server that redacts personal data holds
each word back until the next tokens say that it is one, so its first text comes some tokens later; the aim is for one
that observes it. The time to the first text swings by the length of a step of the model: it takes some hundred of them
to tell 5 ms, so the table has the standard error, by drawing the rounds again (the bootstrap). Without --url the model
server is a scripted one, which paces its tokens as a real one does; NEXXI_MODEL_SERVER_KEY is the key of a real one.
Nothing else should run on the machine meanwhile.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tests.bench.bench_server import KEY, free_port, wait_for
from tests.bench.bench_workers import serving
from tests.redis_process import running_redis

AIM_TOKENS = 0.05
"""How much fewer tokens a second than directly there may be, as a part of those."""
AIM_FIRST_S = 0.005
"""How much later the first text may come."""
DRAWS = 200


@dataclass
class Place:
    """Where the streams are asked for, and what was measured there. `model` is what it calls the model."""

    name: str
    url: str
    key: str | None
    model: str
    tokens_per_s: list[float] = field(default_factory=list)
    first_s: list[Sequence[float]] = field(default_factory=list)  # of each round
    has_aim: bool = True

    def first_median_s(self, rounds: Sequence[int] | None = None) -> float:
        """Of these rounds, or of all."""
        chosen = self.first_s if rounds is None else [self.first_s[number] for number in rounds]
        return statistics.median(itertools.chain(*chosen))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a model server that runs already; it ends in /v1")
    arguments.add_argument("--pace", type=float, default=13, help="tokens a second of a scripted stream")
    arguments.add_argument("--streams", type=int, default=16)
    arguments.add_argument("--apart", type=float, default=0.1, help="seconds between the beginnings of two streams")
    arguments.add_argument("--tokens", type=int, default=64)
    arguments.add_argument("--each", type=int, default=3, help="streams of each client in a round")
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    arguments.add_argument("--modes", nargs="*", default=["observe", "redact"], help="of NEXXI_SAFETY_PII")
    options = arguments.parse_args()
    with ExitStack() as stack:
        url = options.url or stack.enter_context(paced_server(options.pace))
        redis = stack.enter_context(running_redis())
        key = os.environ.get("NEXXI_MODEL_SERVER_KEY")
        model = model_at(url, key)
        places = [Place("directly", url, key, model, has_aim=False)]
        for count, mode in itertools.product(options.workers, options.modes):
            ours = stack.enter_context(serving(count, redis.url, url, NEXXI_SAFETY_PII=mode))
            name = f"{count} worker{'s' if count > 1 else ''}, {mode}"
            places.append(Place(name, f"{ours}/v1", KEY, model, has_aim=mode == "observe"))
        for place in places:
            asyncio.run(measure(Place(place.name, place.url, place.key, model), options.streams, 8, 0, 1))  # a warm-up
        for _ in range(options.rounds):
            for place in places:
                asyncio.run(measure(place, options.streams, options.tokens, options.apart, options.each))
    told = f"{options.streams} clients, {options.each} streams of {options.tokens} tokens each, {options.rounds} rounds"
    print(f"{told}, in front of {model}")
    print_table(places)


def print_table(places: Sequence[Place]) -> None:
    """What each place does, beside the first."""
    direct = places[0]
    tokens = statistics.median(direct.tokens_per_s)
    print(f"{'':>18} {'tokens/s':>9} {'beside':>8} {'first text, p50':>17} {'beside':>16}")
    for place in places:
        of_tokens = statistics.median(place.tokens_per_s) / tokens - 1
        later_s = place.first_median_s() - direct.first_median_s()
        beside = ("", "")
        if place is not direct:
            beside = (f"{of_tokens:+.1%}", f"{1000 * later_s:+.1f} ± {1000 * error_s(place, direct):.1f} ms")
        holds = of_tokens >= -AIM_TOKENS and later_s <= AIM_FIRST_S
        told = "" if not place.has_aim else "  holds" if holds else "  missed"
        print(
            f"{place.name:>18} {statistics.median(place.tokens_per_s):>9.1f} {beside[0]:>8}"
            f" {1000 * place.first_median_s():>14.1f} ms {beside[1]:>16}{told}"
        )
    print(f"aim: at most {AIM_TOKENS:.0%} fewer tokens/s, the first text at most {1000 * AIM_FIRST_S:g} ms later")


def error_s(place: Place, direct: Place) -> float:
    """The standard error of how much later a place's first text comes."""
    drawn, rounds = random.Random(7), range(len(direct.first_s))
    draws = [drawn.choices(rounds, k=len(rounds)) for _ in range(DRAWS)]
    return statistics.pstdev(place.first_median_s(draw) - direct.first_median_s(draw) for draw in draws)


async def measure(place: Place, streams: int, tokens: int, apart_s: float, each: int) -> None:
    """So many clients at a time, of `each` streams."""

    async def client(number: int) -> list[tuple[int, float]]:
        await asyncio.sleep(number * apart_s)
        return [await connections[number].stream(place, tokens) for _ in range(each)]

    connections = [await Connection.to(place.url) for _ in range(streams)]
    began = time.perf_counter()
    found = list(itertools.chain(*await asyncio.gather(*map(client, range(streams)))))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.writer.close()
    place.tokens_per_s.append(sum(count for count, _ in found) / seconds)
    place.first_s.append([first_s for _, first_s in found])


@dataclass
class Connection:
    """One to a place, made before the time begins and kept. httpx would take a part of the time itself."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str

    @classmethod
    async def to(cls, url: str) -> "Connection":
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        return cls(reader, writer, parts.netloc)

    async def stream(self, place: Place, tokens: int) -> tuple[int, float]:
        """Tokens as the server counts them, and seconds until the first text came."""
        key = "" if place.key is None else f"authorization: Bearer {place.key}\r\n"
        # what differs comes first, so that no prefix cache makes one place faster than the other
        question = f"{secrets.token_hex(4)} is the name of a ship. Tell a very long story about it."
        document = {
            "model": place.model,
            "messages": [{"role": "system", "content": question}, {"role": "user", "content": "Begin."}],
            "max_tokens": tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        body = json.dumps(document)
        head = f"POST {urlsplit(place.url).path}/chat/completions HTTP/1.1\r\nhost: {self.host}\r\n{key}"
        fields = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        began = time.perf_counter()
        self.writer.write((head + fields + body).encode())
        first_s, count, whole = 0.0, 0, b""
        async for line in self.reader:
            whole = whole + line if whole else line
            if whole is line and b" 200 " not in line:
                break
            if line == b"0\r\n" and b"[DONE]" in whole:  # the last chunk, and an empty line after it
                await self.reader.readline()
                break
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if not first_s and any(choice["delta"].get("content") for choice in event["choices"]):
                first_s = time.perf_counter() - began
            count = (event.get("usage") or {}).get("completion_tokens", count)
        if not count or b"[DONE]" not in whole:
            raise SystemExit(f"{place.name}: {whole[-500:].decode()}")
        return count, first_s


def model_at(url: str, key: str | None) -> str:
    """The name of the only model there is."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    listed = httpx.get(f"{url}/models", headers=headers, timeout=10).raise_for_status().json()["data"]
    name = listed[0]["id"]
    assert isinstance(name, str)
    return name


@contextmanager
def paced_server(pace: float) -> Iterator[str]:
    """The scripted one; its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.paced_server", str(port), str(pace)])
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", seconds=10)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
